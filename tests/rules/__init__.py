"""Who may do what: every role, operation and field against the real rules engine."""
