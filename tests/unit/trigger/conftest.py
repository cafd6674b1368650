"""What the tests of the functions' use cases share: a publisher that keeps what it is given."""

import pytest

from shared.in_memory import InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC


@pytest.fixture
def publisher() -> InMemoryPublisher:
    return InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
