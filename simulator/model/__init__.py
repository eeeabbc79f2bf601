"""The model world: contracts/SPEC.md and Uniswap v3 in float64, compiled by Numba over paths."""
