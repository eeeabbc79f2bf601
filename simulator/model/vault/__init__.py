"""The HedgeVault: shares, the line, keeper functions, what it is worth (contracts/SPEC.md §4)."""
