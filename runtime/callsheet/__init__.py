"""Talk to any server that advertises actions."""
