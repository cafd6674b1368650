"""The syntax of weighted prompts: what is read, what is taken literally, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.parse import parse_request
from shared.request import MAX_PROMPT_CHARACTERS, ImageRequest
from shared.weighting import MAX_WEIGHTED, SPECIAL, read_weights


@pytest.mark.parametrize(
    ("prompt", "stretches"),
    [
        ("a (red)1.3 circle", [("a ", 1), ("red", 1.3), (" circle", 1)]),
        ("a red++ circle--", [("a ", 1), ("red", 1.21), (" ", 1), ("circle", 0.81)]),
        ("a (red circle)++", [("a ", 1), ("red circle", 1.21)]),
        ("(blurry)-", [("blurry", 0.9)]),
        ("(no red).5", [("no red", 0.5)]),
        ("(red)0", [("red", 0)]),
        ("(red)2", [("red", 2)]),
        ("(a (red)1.5 circle)0.5", [("a ", 0.5), ("red", 0.75), (" circle", 0.5)]),
        ("((red)1.2)1.5", [("red", 1.8)]),
        ("(a red+)1.5", [("a ", 1.5), ("red", 1.65)]),
        ("blue,red++,green", [("blue,", 1), ("red", 1.21), (",green", 1)]),
        ("un(happy)1.2", [("un", 1), ("happy", 1.2)]),
        ("a well-known++ face", [("a ", 1), ("well-known", 1.21), (" face", 1)]),
        ("(赤い円)1.3 🙂++", [("赤い円", 1.3), (" ", 1), ("🙂", 1.21)]),
    ],
)
def test_weights_are_read(prompt: str, stretches: list[tuple[str, float]]) -> None:
    read = read_weights(prompt)
    assert [it.text for it in read] == [text for text, _ in stretches]
    assert [it.weight for it in read] == pytest.approx([weight for _, weight in stretches])


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a red circle", "a red circle"),
        ("a well-known f-22, 3-4 of them", "a well-known f-22, 3-4 of them"),
        ("red - blue + green", "red - blue + green"),
        ("c++11 and a+b", "c++11 and a+b"),
        ("(a red circle)", "a red circle"),
        ("(red) 1.3", "red 1.3"),
        ("(red)3d and (blue)1.3x", "red3d and blue1.3x"),
        ("(red)1e9", "red1e9"),
        ("(red:1.3)", "red:1.3"),
        ("[red] {red} \\n", "[red] {red} \\n"),
        ("('a', 'b').blend(1, 1)", "'a', 'b'.blend1, 1"),
        ("\\(red\\)1.3 c\\+\\+ \\\\", "(red)1.3 c++ \\"),
    ],
)
def test_what_is_no_weight_is_taken_literally(prompt: str, text: str) -> None:
    read = read_weights(prompt)
    assert "".join(it.text for it in read) == text
    assert {it.weight for it in read} == {1.0}


@given(st.text(min_size=1, max_size=200).filter(str.strip))
def test_any_text_can_be_meant_literally(text: str) -> None:
    escaped = "".join(f"\\{it}" if it in SPECIAL else it for it in text)
    (stretch,) = read_weights(escaped)
    assert (stretch.text, stretch.weight) == (text, 1.0)


@given(st.text(alphabet="ab1. ()+-\\,", min_size=1, max_size=60))
def test_any_prompt_is_read_or_refused_with_a_sentence(prompt: str) -> None:
    sentence = "has or gives."
    try:
        read = read_weights(prompt)
        assert all(it.text and 0 <= it.weight <= 2 for it in read)
        assert set("".join(it.text for it in read)) <= set(prompt)
    except ValueError as refused:
        sentence = str(refused)
    assert sentence.startswith(("has ", "gives "))
    assert sentence.endswith(".")


def test_brackets_within_brackets_cost_no_time() -> None:
    deep = MAX_PROMPT_CHARACTERS // 2 - 2
    (stretch,) = read_weights("(" * deep + "red" + ")" * deep)
    assert (stretch.text, stretch.weight) == ("red", 1.0)


def test_dashes_behind_a_long_word_cost_no_time() -> None:
    """As many as a prompt has took two seconds, and these would take minutes."""
    prompt = "a" * 5000 + " " + "- " * 2500
    (stretch,) = read_weights(prompt)
    assert (stretch.text, stretch.weight) == (prompt, 1.0)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a (red circle", "has a bracket at character 3 that is never closed"),
        ("((red)1.2", "has a bracket at character 1 that is never closed"),
        ("smile :)", "has a closing bracket at character 8 that none opened"),
        ("a (red)-1 circle", "gives words a weight of -1; it must be from 0 to 2."),
        ("(red)2.1", "gives words a weight of 2.1; it must be from 0 to 2."),
        ("((red)1.5)1.5", "gives words a weight of 2.25; it must be from 0 to 2."),
        ("red" + "+" * 1000, "gives words a weight of 2.46993e+41; it must be from 0 to 2."),
        (f"(red){'9' * 400}", "gives words a weight of inf; it must be from 0 to 2."),
        ("()", "has no words beside its brackets and weights."),
        ("( )1.3", "has no words beside its brackets and weights."),
        ("a+ " * (MAX_WEIGHTED + 1), "has 33 weights; it must have at most 32."),
    ],
)
def test_a_fault_is_told_in_a_sentence_that_names_the_prompt_s_field(
    prompt: str, sentence: str
) -> None:
    for name in ("prompt", "negative_prompt"):
        with pytest.raises(InvalidInput) as refused:
            parse_request({"prompt": "a", name: prompt, "prompt_weighting": True})
        assert refused.value.message.startswith(f"{name} {sentence}")


def test_without_the_flag_no_prompt_is_refused() -> None:
    request = parse_request({"prompt": "smile :) (", "negative_prompt": "()"})
    assert isinstance(request, ImageRequest)
    assert request.prompt_weighting is False


def test_a_blank_negative_prompt_has_no_weights_to_be_refused() -> None:
    parse_request({"prompt": "a", "negative_prompt": " ", "prompt_weighting": True})


def test_films_have_no_weights() -> None:
    with pytest.raises(InvalidInput, match="prompt_weighting is not a parameter of this task"):
        parse_request({"task_type": "text2video", "prompt": "a", "prompt_weighting": True})
