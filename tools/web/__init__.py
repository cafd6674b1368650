"""The web app of clients/web: built once for each state of its sources, and served."""
