"""Keep files and the ledger on disk."""
