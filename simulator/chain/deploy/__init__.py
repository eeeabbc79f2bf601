"""The whole system put on a chain: artifacts, third parties, ours, and who is who."""
