"""Cases as data: what a server answers, and what has to come of it."""
