"""What is declared once of the protocol: parameters, actions, statuses; the rest is derived."""
