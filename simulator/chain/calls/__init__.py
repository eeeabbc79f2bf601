"""Each action as transactions: one module by contract."""
