"""The Cloud Functions half: light, short-lived, and never in the way of a picture.

`main.py` is the only module that knows Cloud Functions; use cases know ports; adapters know Google.
"""
