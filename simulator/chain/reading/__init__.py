"""What the chain stores and shows, read again only where it can have changed."""
