"""Describe what to send, record and wait for, without I/O."""
