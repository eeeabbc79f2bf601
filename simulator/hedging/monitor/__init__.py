"""Streaming detection of hedges that break down, with stated rates of false alarm."""
