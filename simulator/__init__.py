"""hedgesim: an agent-based simulator of an automated on-chain hedging vault."""

__version__ = "0.1.0"
