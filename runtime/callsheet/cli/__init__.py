"""The command line: a leaf that nothing else of callsheet imports."""
