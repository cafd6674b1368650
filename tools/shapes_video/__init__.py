"""The embedded film model: a painted world that moves, its training, its judge."""
