"""Files on disk: whole and checked, or not there."""
