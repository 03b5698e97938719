"""Compare two schemas and prove what changed."""
