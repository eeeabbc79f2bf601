"""Runs: paths in chunks, chunks over processes, one result."""

from simulator.runner.chunk import simulate_chunk
from simulator.runner.plan import Plan
from simulator.runner.runs import forget, run, run_together

__all__ = ["Plan", "forget", "run", "run_together", "simulate_chunk"]
