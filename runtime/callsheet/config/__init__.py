"""Read settings, profiles and what a package was generated with."""
