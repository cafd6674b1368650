"""Real parts of ours on the real emulators."""
