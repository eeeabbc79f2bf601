"""Aave v3 as a venue: what is borrowed and sold is short (contracts/SPEC.md §4.8)."""
