"""What a log line says, and what it cannot."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import WrongSetting
from shared.json_log import JsonFormatter, facts_of, log_json, trace_of

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET = "a red circle that nobody may log"
#: Their exceptions are no job's: of starting, of Pub/Sub, of loading a model.
MAY_SHOW_EXCEPTIONS = {"gpu_worker/service.py", "gpu_worker/engine/serving.py"}


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Loggers as they were, afterwards."""
    names = (None, "shared", "trigger", "gpu_worker")
    loggers = [logging.getLogger(name) for name in names]
    before = [(it, it.level, list(it.handlers)) for it in loggers]
    yield capsys
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def raised() -> Exception:
    """An error with a cause, both of which quote."""
    try:
        try:
            raise ValueError(SECRET)  # noqa: TRY301 - it needs a traceback
        except ValueError as cause:
            raise KeyError(SECRET) from cause
    except KeyError as error:
        return error


def test_a_line_is_one_json_object_with_its_fields(
    logs: pytest.CaptureFixture[str],
) -> None:
    log_json()
    logging.getLogger("gpu_worker.pull").info("pulled\n%s", "twice", extra={"fields": {"n": 2}})
    (line,) = logs.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["severity"], said["logger"], said["message"], said["n"]) == (
        "INFO",
        "gpu_worker.pull",
        "pulled\ntwice",
        2,
    )


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_of_libraries_only_warnings_are_written_whatever_the_level(
    logs: pytest.CaptureFixture[str], level: str
) -> None:
    log_json(level)
    # Not one of Google's: importing their core takes their own logger out of the tree.
    for name in ("httpx2", "urllib3.connectionpool", "grpc._channel", "httpcore2.http11", "PIL"):
        logging.getLogger(name).info("GET https://host/?token=%s", SECRET)
        logging.getLogger(name).debug(SECRET)
        logging.getLogger(name).warning("about itself")
    logging.getLogger("gpu_worker.any").debug("ours")
    said = logs.readouterr().err
    assert SECRET not in said
    assert said.count("about itself") == 5
    assert said.count("ours") == (level == "DEBUG")


def test_an_error_is_told_by_its_kind_and_place_and_never_by_its_text() -> None:
    error = raised()
    told = trace_of(error)
    assert told["error"] == "KeyError"
    assert re.fullmatch(r"test_json_log\.py:\d+", told["where"])
    assert told["calls"] == [f"{told['where']} raised"]
    assert [it["error"] for it in told["because_of"]] == ["ValueError"]
    assert SECRET not in json.dumps(told)
    assert facts_of(error) == {"error": "KeyError", "where": told["where"]}


def test_an_error_that_was_never_raised_is_told_too() -> None:
    assert trace_of(ValueError(SECRET)) == {"error": "ValueError", "where": "nowhere", "calls": []}


def test_errors_that_go_round_in_a_circle_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert [it["error"] for it in trace_of(first)["because_of"]] == ["KeyError"]


def test_where_jobs_are_handled_no_exception_s_text_is_logged() -> None:
    """`log.exception` and `exc_info` write what an exception quotes."""
    formatted = JsonFormatter().format(
        logging.LogRecord("x", logging.ERROR, "", 0, "", None, (KeyError, raised(), None))
    )
    assert SECRET in formatted, "else this test need not be"
    showing = {
        str(path.relative_to(REPOSITORY))
        for room in ("gpu_worker", "trigger", "shared")
        for path in (REPOSITORY / room).rglob("*.py")
        if re.search(
            r"\.exception\(|exc_info=", path.read_text().replace("outcome.exception()", "")
        )
    }
    assert showing == MAY_SHOW_EXCEPTIONS


def test_an_operator_s_own_mistake_is_quoted_and_no_other_error_is() -> None:
    wrong = "EMBERFRAME_DAILY_CREDITS is 'many'; it must be a whole number"
    assert facts_of(WrongSetting(wrong))["reason"] == wrong
    assert "reason" not in facts_of(ValueError(wrong))
