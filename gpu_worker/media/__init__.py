"""From pixels to files: pure functions over arrays, for plain threads (Pillow frees the GIL)."""
