"""Make help, stored or on the spot."""
