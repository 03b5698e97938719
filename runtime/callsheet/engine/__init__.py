"""What a client does, step by step, as flows."""
