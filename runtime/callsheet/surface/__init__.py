"""What is made of a catalogue: actions with commands, families and flags."""
