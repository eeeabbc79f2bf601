"""Market paths: drawn, replayed from history, saved and loaded."""
