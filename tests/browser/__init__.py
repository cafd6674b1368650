"""The web app in a real browser, against the real stack and a real worker."""
