"""Print and save results, progress and errors."""
