"""From a message to a finished document: claim, generate, store, finish. Knows ports only."""
