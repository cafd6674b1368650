"""Pure decisions and use cases on in-memory ports; no process, no network."""
