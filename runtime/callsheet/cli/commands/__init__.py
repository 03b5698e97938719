"""Provide the built-in commands: their subcommands, flags and functions."""
