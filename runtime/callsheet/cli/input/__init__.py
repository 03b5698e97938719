"""What was typed becomes a body: flags, files and JSON, checked before anything leaves."""
