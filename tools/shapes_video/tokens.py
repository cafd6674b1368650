"""The film model's tokenizer: T5's kind, each word of the captions' vocabulary one piece.

Pieces and their ranks are written down here rather than learned, so that every process numbers them
the same. Words that nobody thought of come out as letters.
"""

import re
from typing import Any

from transformers import T5Tokenizer

from tools.shapes.words import vocabulary as picture_vocabulary
from tools.shapes_video.captions import texts

#: What the text encoder reads; longer prompts are cut.
TOKENS = 24
#: SentencePiece's mark of a word's beginning.
BEGIN = "▁"
#: Log-probabilities: a word is always likelier than its letters.
WORD_SCORE, BEGIN_SCORE, LETTER_SCORE = -2.0, -6.0, -8.0


def vocabulary() -> list[str]:
    """Sorted, each once: the picture model's words and the captions'."""
    words = {word for text in texts() for word in re.findall(r"[a-z]+|\d|[^\sa-z\d_{}]", text)}
    return sorted({*picture_vocabulary(), *words})


def build_tokenizer() -> Any:
    """A T5Tokenizer, the same one in every process."""
    pieces = {"<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0, BEGIN: BEGIN_SCORE}
    for word in vocabulary():
        # Loading drops a normaliser that would lower the letters: a sentence's first word is two.
        pieces.setdefault(BEGIN + word, WORD_SCORE)
        pieces.setdefault(BEGIN + word.capitalize(), WORD_SCORE)
        if not word.isalnum():  # a sign follows a word without a space
            pieces.setdefault(word, WORD_SCORE)
    for letter in map(chr, range(33, 127)):
        pieces.setdefault(letter, LETTER_SCORE)
    return T5Tokenizer(vocab=list(pieces.items()), extra_ids=0, model_max_length=TOKENS)
