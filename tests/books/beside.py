"""Old observers and the new books side by side, on the same run."""
