"""The protocol's two worlds, and the border agents see."""
