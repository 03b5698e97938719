"""Turn catalogue entries into named actions."""
