"""Admit, describe and apply schemas."""
