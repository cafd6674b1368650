"""A list of words that prompts must not have, and what counts as one of them.

Whole words are compared, in order, without regard to case, width, accents, invisible characters and
what stands between them; as they are written, and as the film model's pipeline reads them. That
stops who means no harm or takes no pains; what else comes of a prompt, only a look at the picture
can say. A prompt of the longest takes some milliseconds.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.errors import ErrorCode, GenerationError

#: The value of the setting that blocks nothing.
NOTHING = "none"
#: At the end of a term: any word that begins so.
ANY_ENDING = "*"
#: What no deployment wants, in the words that it is called by. An operator's own list replaces it.
DEFAULT_TERMS = (
    "child porn*",
    "child sexual*",
    "child nud*",
    "naked child*",
    "nude child*",
    "nude minor*",
    "naked minor*",
    "underage nud*",
    "underage sex*",
    "underage porn*",
    "preteen nud*",
    "preteen sex*",
    "csam",
    "lolicon",
    "shotacon",
)
_WORD = re.compile(r"[^\W_]+")
#: Letters to Unicode, and nothing to see: what stands for a missing part of a Korean syllable.
_FILLERS = "\u115f\u1160"
#: What Wan's pipeline takes out before its tokenizer: a terminal's colours, and control characters
#: that are no blanks. (Its library's repair of wrongly decoded text is not done here.)
_TAKEN_OUT = re.compile(r"\x1b\[[\d;]*[a-zA-Z]|[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class BlockedTerms:
    """Terms of one or more words each, as `words_of` gives them; `*` at a term's end stays."""

    terms: tuple[str, ...] = ()

    @classmethod
    def of(cls, terms: Iterable[str]) -> Self:
        """Raises `ValueError` for a term without a letter or a digit."""
        return cls(tuple(map(_normal_term, terms)))

    @classmethod
    def parse(cls, setting: str | None) -> Self:
        """A setting's value: terms between commas or line ends; `none` for no term at all.

        Nothing, or only blanks, is DEFAULT_TERMS. Raises `ValueError` as `of` does.
        """
        given = [it.strip() for it in re.split(r"[,\n]", setting or "") if it.strip()]
        if not given:
            return cls.of(DEFAULT_TERMS)
        return cls() if given == [NOTHING] else cls.of(given)

    def check(self, prompt: str | None) -> None:
        """Raises `GenerationError` (content_rejected) that names the first term found."""
        written = prompt or ""
        texts = [f" {' '.join(words_of(text))} " for text in {written, _as_read(written)}]
        for term in self.terms:
            stem = term.removesuffix(ANY_ENDING)
            found = f" {stem}" + ("" if stem != term else " ")
            if any(found in text for text in texts):
                raise GenerationError(
                    ErrorCode.CONTENT_REJECTED,
                    f"prompt has the words {stem!r}, which this app does not allow; it must do "
                    "without them.",
                )


def words_of(text: str) -> list[str]:
    """Its words in the one form in which they are compared: `Ｎaïve_\u200bCAFÉ` → naive, cafe."""
    # Decomposed, so that accents are characters of their own; they and invisible ones go.
    apart = unicodedata.normalize("NFKD", text.casefold())
    visible = "".join(
        it
        for it in apart
        if unicodedata.category(it) not in ("Mn", "Me", "Cf") and it not in _FILLERS
    )
    return _WORD.findall(unicodedata.normalize("NFKC", visible).casefold())


def _as_read(text: str) -> str:
    """By Wan's pipeline, which repeats it until nothing changes: `g&amp;#114;een` → green."""
    while (read := html.unescape(_TAKEN_OUT.sub("", text))) != text:
        text = read
    return text


def _normal_term(term: str) -> str:
    words = words_of(term)
    if not words:
        raise ValueError(f"a blocked term is {term!r}; it must have a letter or a digit in it")
    ending = ANY_ENDING if term.rstrip().endswith(ANY_ENDING) else ""
    return " ".join(words) + ending


#: What is not allowed where nobody says other.
DEFAULT_BLOCKED_TERMS = BlockedTerms.of(DEFAULT_TERMS)
