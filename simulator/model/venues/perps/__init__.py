"""The ClearingHouse: perps against a maker, one margin, liquidation (contracts/SPEC.md §3)."""
