"""Uniswap v3 in float64: ticks, one step of a swap, the pool (whitepaper; v3-core 1.0.1)."""
