"""Ids that are fine."""

import re

from hypothesis import strategies as st

IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,127}", fullmatch=True).filter(
    lambda text: not re.fullmatch("__.*__", text)
)
