"""HTTP in, gRPC out: the webhook door, the REST API, the pages."""
