"""Compare two catalogues."""
