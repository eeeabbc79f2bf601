"""The report of a run: charts, words, one HTML page."""
