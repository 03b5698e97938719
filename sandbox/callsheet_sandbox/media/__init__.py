"""Pictures and videos that show the prompt."""
