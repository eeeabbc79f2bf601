"""How the model is compiled: records, kernels of one path, rounding, status codes."""
