"""What a generation asks of Google is counted from our code, and what that meets is worked out."""

import json
from pathlib import Path

import pytest

from bench.fleet_inputs import rows
from bench.fleet_limits import PICTURE_REPORTS, REQUEST, limits, picture_cost, ramp_minutes
from bench.fleet_writes import count
from shared.cost import PICTURE_WORK_A_CREDIT, credits_of
from shared.parse import parse_request

ROOT = Path(__file__).parents[3]
INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())


def test_a_picture_is_written_five_times_beside_its_progress() -> None:
    cost = count(REQUEST)
    # Created, accepted, claimed, first progress, completed.
    assert cost.generation_writes == 5
    assert cost.lease_writes == 2
    # Reserved and settled.
    assert cost.usage_writes == 2
    assert cost.messages == 1
    assert cost.message_bytes < 100


def test_progress_adds_a_write_a_second_or_one_a_report() -> None:
    cost = count(REQUEST)
    assert cost.with_progress(8.8, 40).generation_writes == cost.generation_writes + 8
    assert cost.with_progress(8.8, 4).lease_writes == cost.lease_writes + 1


def test_a_plain_request_has_as_many_steps_as_are_reckoned_with() -> None:
    assert credits_of(parse_request(REQUEST)) == PICTURE_REPORTS / PICTURE_WORK_A_CREDIT


def test_the_indexes_that_only_grow_are_those_of_the_table() -> None:
    composite = [[field["fieldPath"] for field in it["fields"]] for it in INDEXES["indexes"]]
    assert ["status", "lease.expires_at"] in composite
    exempt = {it["fieldPath"] for it in INDEXES["fieldOverrides"] if not it["indexes"]}
    assert not exempt & {"created_at", "started_at", "completed_at"}
    assert {"input", "progress", "output", "lease", "updated_at", "queued_at"} <= exempt


def test_gpus_run_out_first_then_firestore_then_storage() -> None:
    services = [it.what.partition(":")[0] for it in limits(picture_cost())]
    assert services == [
        "Cloud Run",
        "RunPod",
        *["Firestore"] * 3,
        "Storage",
        "Pub/Sub",
    ]


def test_traffic_grows_by_half_every_five_minutes() -> None:
    cost = picture_cost()
    writes = cost.generation_writes + cost.usage_writes
    assert ramp_minutes(cost, 60 * 500 / writes) == 0
    assert ramp_minutes(cost, 60 * 740 / writes) == 5
    assert ramp_minutes(cost, 60 * 1120 / writes) == 10


@pytest.mark.parametrize("rate", [100, 10_000])
def test_a_limit_is_met_where_its_share_is_used_up(rate: int) -> None:
    for limit in limits(picture_cost()):
        asked = limit.a_picture * rate / 60
        assert (asked > limit.allowed) == (rate > limit.pictures_a_minute)


def test_the_docs_have_the_inputs_and_the_limits_of_today() -> None:
    """Their other tables take minutes to simulate; what goes into them must still be the same."""
    page = (ROOT / "docs/figures.md").read_text()
    for row in (*rows(), *(limit.row() for limit in limits(picture_cost()))):
        assert f"| {' | '.join(row)} |" in page, "run `python -m bench.fleet` and commit the tables"
