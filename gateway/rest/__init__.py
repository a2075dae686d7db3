"""The REST API: what the services can do, over HTTP and JSON."""
