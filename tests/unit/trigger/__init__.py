"""The Cloud Function half on in-memory ports, and its deploy folder."""
