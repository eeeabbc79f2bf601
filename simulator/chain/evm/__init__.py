"""An EVM and what is said to it: transports, ABI encoding, what a revert means."""
