"""Any order of one person's wishes, events, workers, deletions and days leaves usage exact."""

from hypothesis import HealthCheck, settings

from tests.chaos.quota_machine import QuotaMachine

TestQuota = QuotaMachine.TestCase
TestQuota.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
