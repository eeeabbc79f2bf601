"""The chain world: the real contracts, one EVM per path.

The only code that knows an EVM or a node.
"""
