"""Faults that a sandbox commits when it is told to: scripted, seeded, on real sockets."""
