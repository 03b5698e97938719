"""Provide the built-in commands, one module a word."""
