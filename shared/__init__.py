"""The contract between phone, trigger and worker, and the pure decisions taken on it.

Imports pydantic and the standard library only, so that the Cloud Function stays light and the
worker's supervisor never waits for an image or tensor library.
"""
