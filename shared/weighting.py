"""The syntax of weighted prompts: `(a red)1.3 circle`, `circle++`, `(blurry)0.5`.

Pure text work in one pass, so that a fault is told before a worker sees the request and so that no
prompt takes long to read: compel's own parser needs two minutes for `((((((((red))))))))`.
"""

import re
from dataclasses import dataclass

#: Of a stretch of words, after brackets inside brackets are multiplied. Above it pictures fall
#: apart: the text encoders never saw such numbers.
MAX_WEIGHT = 2.0
#: Each `+` and each `-`, as in compel.
PLUS = 1.1
MINUS = 0.9
#: Stretches with a weight in one prompt: each one below 1 costs another run of the text encoders.
MAX_WEIGHTED = 32
#: After a backslash they stand for themselves.
SPECIAL = "()+-\\"

#: Nothing of a word may follow: `(red)3d`, `f-22` and `c++11` hold no weights. The atomic groups
#: keep the number and the signs whole.
_NUMBER = re.compile(r"(?>-?(?:\d+(?:\.\d+)?|\.\d+))(?!\w)")
_SIGNS = re.compile(r"(?>\++|-+)(?![\w+\-])")
#: Of text that is turned round, so that nothing before the word is looked at.
_LAST_WORD = re.compile(r"[^\s,;:.!?\"]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighted:
    """Words as they are to be read, free of syntax, and how much they count: 0 … MAX_WEIGHT."""

    text: str
    weight: float


def read_weights(prompt: str) -> tuple[Weighted, ...]:
    """The stretches of `prompt` in order; joined, their texts are the prompt without its syntax.

    Raises `ValueError` with the sentence that is to follow the name of the field. It quotes nothing
    of the prompt.
    """
    stretches = tuple(_Reader(prompt).read())
    if not any(it.text.strip() for it in stretches):
        raise ValueError("has no words beside its brackets and weights.")
    for it in stretches:
        if not 0 <= it.weight <= MAX_WEIGHT:
            raise ValueError(
                f"gives words a weight of {it.weight:g}; it must be from 0 to {MAX_WEIGHT:g}."
            )
    weighted = sum(it.weight != 1 for it in stretches)
    if weighted > MAX_WEIGHTED:
        raise ValueError(f"has {weighted} weights; it must have at most {MAX_WEIGHTED}.")
    return stretches


class _Reader:
    """One pass over one prompt. Used once: `read`."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._stretches: list[Weighted] = []
        #: Of words that no weight is known for yet.
        self._words: list[str] = []
        #: Where each open bracket stands, and how many stretches there were before it.
        self._open: list[tuple[int, int]] = []

    def read(self) -> list[Weighted]:
        at = 0
        while at < len(self._prompt):
            at = self._step(at)
        if self._open:
            raise ValueError(
                f"has a bracket at character {self._open[0][0] + 1} that is never closed; "
                "write \\( for one that is meant as such."
            )
        self._end_stretch()
        return self._stretches

    def _step(self, at: int) -> int:
        """Read what begins at `at`; returns where the next thing begins."""
        match self._prompt[at]:
            case "\\" if self._prompt[at + 1 : at + 2] in tuple(SPECIAL):
                self._words.append(self._prompt[at + 1])
                return at + 2
            case "(":
                self._end_stretch()
                self._open.append((at, len(self._stretches)))
            case ")":
                return self._close(at)
            case "+" | "-" if signs := _SIGNS.match(self._prompt, at):
                self._weigh_last_word(signs[0])
                return signs.end()
            case character:
                self._words.append(character)
        return at + 1

    def _close(self, at: int) -> int:
        if not self._open:
            raise ValueError(
                f"has a closing bracket at character {at + 1} that none opened; "
                "write \\) for one that is meant as such."
            )
        self._end_stretch()
        _, first = self._open.pop()
        if number := _NUMBER.match(self._prompt, at + 1):
            self._multiply(first, float(number[0]))
            return number.end()
        if signs := _SIGNS.match(self._prompt, at + 1):
            self._multiply(first, _of_signs(signs[0]))
            return signs.end()
        return at + 1

    def _weigh_last_word(self, signs: str) -> None:
        words = "".join(self._words)
        word = _LAST_WORD.match(words[::-1])
        if word is None:  # a dash between words
            self._words.append(signs)
            return
        begins = len(words) - word.end()
        self._words = [words[:begins]]
        self._end_stretch()
        self._stretches.append(Weighted(text=words[begins:], weight=_of_signs(signs)))

    def _multiply(self, first: int, factor: float) -> None:
        for index in range(first, len(self._stretches)):
            it = self._stretches[index]
            self._stretches[index] = Weighted(text=it.text, weight=it.weight * factor)

    def _end_stretch(self) -> None:
        text = "".join(self._words)
        self._words = []
        if text:
            self._stretches.append(Weighted(text=text, weight=1.0))


def _of_signs(signs: str) -> float:
    base = PLUS if signs[0] == "+" else MINUS
    return float(base ** len(signs))
