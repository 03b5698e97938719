"""What a host offers: fetched, and kept on disk."""
