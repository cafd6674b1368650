"""Which faults are told to whom: a sentence to the person, no prompt to the log."""

import pytest

from gpu_worker.adapters.engine_child import describe_exit
from gpu_worker.engine.faults import describe_for_log, quotes, to_generation_error
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.jobs import make_job

QUOTATION = "cannot draw a lighthouse"
REQUEST = make_job(prompt="a lighthouse in fog", negative_prompt="people").request
FILM_REQUEST = make_job(task_type="text2video").request


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_every_way_to_run_out_of_memory_is_told_with_advice(error: Exception) -> None:
    told = to_generation_error(error, REQUEST)
    assert told.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller width and height" in told.message
    of_a_film = to_generation_error(error, FILM_REQUEST)
    assert of_a_film.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller num_frames" in of_a_film.message


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: illegal access"), ValueError("x")])
def test_any_other_fault_is_told_without_its_details(error: Exception) -> None:
    told = to_generation_error(error, REQUEST)
    assert told.code is ErrorCode.INTERNAL
    assert str(error) not in told.message


def test_an_error_that_is_meant_for_the_person_stays_as_it_is() -> None:
    error = GenerationError(ErrorCode.UNSUPPORTED_TASK, "no")
    assert to_generation_error(error, REQUEST) is error


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("unexpected input 'Lighthouse'", True),
        ("the part was truncated: ['fog people']", True),
        ("the part was truncated: ['▁lightho', '…']", True),
        ("the part was truncated: ['in fog']", True),
        ("shape mismatch in a layer", False),
    ],
)
def test_a_message_with_a_word_of_a_prompt_counts_as_a_quotation(
    message: str, expected: bool
) -> None:
    assert quotes(message, REQUEST) is expected


def test_the_log_gets_the_place_and_the_kind_but_no_quotation() -> None:
    try:
        raise ValueError(QUOTATION)  # noqa: TRY301 - it needs a traceback
    except ValueError as error:
        said = describe_for_log(error, REQUEST)
    assert "ValueError" in said
    assert "test_faults.py" in said
    assert QUOTATION not in said


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (3, "ended with exit code 3"), (-9, "was ended by SIGKILL")],
)
def test_the_end_of_a_process_is_said_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
