"""Whether a body is what the advertised schema allows, and if not, why."""
