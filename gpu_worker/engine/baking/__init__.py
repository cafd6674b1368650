"""Models baked into a folder: the files that loading needs, narrowed, with a manifest.

Imports nothing of ours besides itself: the image's build runs it before any other code is there.
"""
