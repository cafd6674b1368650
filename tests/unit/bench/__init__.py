"""Measurements are only worth what their scripts are."""
