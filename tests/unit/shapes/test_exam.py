"""The exam asks only for what was never trained on, in words that say it all."""

from collections import Counter

import pytest

from gpu_worker.in_memory_engine import InMemoryEngine
from shared.errors import InvalidInput
from tests.unit.shapes.caption_reader import read_caption
from tools.shapes.engine_exam import examine_engine
from tools.shapes.exam import set_exam
from tools.shapes.sampling import held_out


def test_there_are_300_questions_each_with_a_held_out_combination() -> None:
    questions = set_exam()
    assert len(questions) == 300
    kept_back = set(held_out())
    for it in questions:
        asked = {(shape, colour, it.background) for shape, colour in it.things}
        assert asked & kept_back, it.prompt


def test_nearly_every_held_out_combination_is_asked_for() -> None:
    asked = {(shape, colour, it.background) for it in set_exam() for shape, colour in it.things}
    assert set(held_out()) <= asked


def test_every_prompt_says_all_that_is_marked() -> None:
    for it in set_exam():
        read = read_caption(it.prompt)
        assert read.background == it.background.value, it.prompt
        assert sorted(read.things) == sorted((s.value, c.value) for s, c in it.things), it.prompt


def test_kinds_and_wordings_are_mixed_and_the_exam_repeats() -> None:
    questions = set_exam()
    assert Counter(it.kind for it in questions) == {"single": 156, "alike": 72, "pair": 72}
    assert 100 < sum(it.plain for it in questions) < 200
    assert questions == set_exam()
    assert questions != set_exam(seed=1)


def test_the_exam_runs_through_an_engine_as_requests_do() -> None:
    engine = InMemoryEngine()
    engine.start()
    questions = set_exam()[:3]
    marks, pictures, seconds = examine_engine(
        engine, questions, request={"width": 192, "num_inference_steps": 2}, first_seed=5
    )
    engine.close()
    assert [it.question for it in marks] == questions
    assert {it.width for it in pictures} == {192}
    assert seconds > 0
    with pytest.raises(InvalidInput, match="num_inference_steps is 0"):
        examine_engine(engine, questions, request={"num_inference_steps": 0}, first_seed=5)
