"""Results of a run: attribution, metrics, records, summary, requirements."""
