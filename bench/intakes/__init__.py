"""What each intake adds to the engine's own time."""
