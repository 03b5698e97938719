"""Fetch, store and look up what a host advertises."""
