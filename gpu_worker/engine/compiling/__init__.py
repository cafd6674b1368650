"""Compiled models beside the eager ones: made in the background, used from a job's boundary on."""
