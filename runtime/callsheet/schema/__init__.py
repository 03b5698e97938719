"""Schemas let in: cleaned, bounded, with their references inside."""
