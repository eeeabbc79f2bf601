"""Who acts: one file per agent."""
