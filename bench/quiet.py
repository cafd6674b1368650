"""What Google's clients are told where there is no cloud, so that they look for none."""

import os


def quiet_clients() -> None:
    os.environ.update(METADATA_SERVER_DETECTION="none", NO_GCE_CHECK="true")
