"""The model in its process, on the embedded checkpoint."""
