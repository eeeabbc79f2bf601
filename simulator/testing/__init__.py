"""Conformance suites for what others write: their Agent, Pool, hedge venue, Transport.

Each is a class whose methods are tests. Subclass it in a test file, say how the thing is made, and
pytest collects the laws with it (docs/conformance.md). They are what hedgesim's own are held to.
"""
