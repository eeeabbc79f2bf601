"""Where the vault holds margin and hedges: a folder for each venue, and what all of them can do."""
