"""The pools a vault can provide liquidity to, a folder each."""
