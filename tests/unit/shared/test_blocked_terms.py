"""The list of words that prompts must not have, and what counts as one of them."""

import pytest

from shared.blocked_terms import DEFAULT_BLOCKED_TERMS, BlockedTerms
from shared.errors import ErrorCode, GenerationError

TERMS = BlockedTerms.parse("green, blue whale\nred*, Café")


@pytest.mark.parametrize(
    "prompt",
    [
        "green",
        "a GREEN hill",
        "a hill,green.",
        "(green:1.3) hill",
        "ｇｒｅｅｎ hill",
        "g\u200bre\u00aden hill",
        "gr\u0301een hill",
        "a_green_hill",
        "a blue  whale",
        "a Blue-Whale",
        "blue\nwhale",
        "redder than red",
        "a redish hill",
        "gr\u3164een hill",
        "g\x01reen hill",
        "green\x01hill",
        "g\x7fre\0en hill",
        "g\x1b[0;31mreen hill",
        "&#103;reen hill",
        "&amp;amp;amp;amp;#x67;reen hill",
        "g&shy;r&zwnj;een",
        "gr&#1;een",
        "green&nbsp;hill",
        "cafe\u0301",
        "CAFE",
    ],
)
def test_a_term_is_found_however_it_is_written(prompt: str) -> None:
    with pytest.raises(GenerationError) as caught:
        TERMS.check(prompt)
    assert caught.value.code is ErrorCode.CONTENT_REJECTED
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "prompt",
    ["greenish", "evergreen", "a blue fish and a whale", "whale blue", "infrared", "", None],
)
def test_other_words_are_allowed(prompt: str | None) -> None:
    TERMS.check(prompt)


def test_the_sentence_names_the_field_and_the_words() -> None:
    with pytest.raises(GenerationError) as caught:
        TERMS.check("the Blue  Whale")
    assert caught.value.message == (
        "prompt has the words 'blue whale', which this app does not allow; it must do without them."
    )


@pytest.mark.parametrize("setting", [None, "", " ,\n"])
def test_without_a_setting_the_default_list_holds(setting: str | None) -> None:
    assert BlockedTerms.parse(setting) == DEFAULT_BLOCKED_TERMS
    with pytest.raises(GenerationError):
        BlockedTerms.parse(setting).check("child pornography")


def test_none_blocks_nothing() -> None:
    BlockedTerms.parse("none").check("child pornography")


@pytest.mark.parametrize("term", ["*", "!!", "\u0301"])
def test_a_term_without_a_letter_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match="must have a letter or a digit"):
        BlockedTerms.of([term])


def test_a_harmless_prompt_passes_the_default_list() -> None:
    DEFAULT_BLOCKED_TERMS.check("a child on a swing, naked trees, minor key, adult elephant")
