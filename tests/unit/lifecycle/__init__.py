"""From a message to a finished document, on ports in memory."""
