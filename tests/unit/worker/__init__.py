"""The worker process: settings, health, the order of start and stop."""
