"""Deploying to a Google project, and taking it away again, as one shell script that can be read.

`make deploy` writes the script and runs it; `DRY_RUN=1` prints it and does nothing.
"""
