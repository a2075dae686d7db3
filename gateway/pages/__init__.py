"""The pages people look at: the first page, signing in, the reference of the API."""
