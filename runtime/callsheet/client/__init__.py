"""Provide the public library."""
