"""Turn what was typed into a body."""
