"""The state variables of the protocol, declared once: a module per subject, a row per variable."""
