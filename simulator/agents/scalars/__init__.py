"""Who acts, as scalar functions of one path: one file per agent."""
