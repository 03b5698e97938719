"""Compose flows into what a client does."""
