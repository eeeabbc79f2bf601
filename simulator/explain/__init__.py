"""Which friction made the loss: the same market paths with frictions removed (``explain``)."""
