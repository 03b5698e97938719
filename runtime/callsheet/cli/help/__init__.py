"""Help as text, stored or made on the spot."""
