"""StableSwap in float64: the invariant, exchanges, shares, the pool (Egorov 2019; SPEC §9)."""
