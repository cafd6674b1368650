"""One suite a port, run over every adapter and the in-memory one."""
