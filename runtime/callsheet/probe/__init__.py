"""Inspect how a host's replies are built and read, at no cost."""
