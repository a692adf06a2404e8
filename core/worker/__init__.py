"""The background process: requests in, events out, and the jobs between them."""
