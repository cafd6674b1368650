"""The outside world as the worker's ports want it: one adapter a file."""
