"""What is printed and saved: results, progress, errors."""
