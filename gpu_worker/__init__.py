"""The GPU container: a supervisor that owns all state, an engine process that owns the model."""
