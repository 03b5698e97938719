"""Read every wire shape of the actions protocol."""
