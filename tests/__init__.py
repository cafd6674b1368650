"""Tests; their names are sentences that say what is true of the project."""
