"""Run many requests: rows of a file, each sent at most once, with what they made on the disk."""
