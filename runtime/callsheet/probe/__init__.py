"""Ask a host for its shapes without spending anything."""
