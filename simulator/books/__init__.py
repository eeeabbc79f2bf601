"""What is explained and counted beside a path, in compiled code, where actions happen."""
