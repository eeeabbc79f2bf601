"""The loop: the market moves, agents act in block order, what happens is noted."""

from simulator.engine.loop import Observer, simulate

__all__ = ["Observer", "simulate"]
