"""Every word that captions can hold, found in the tables they are made of, and a few more.

The order does not matter: the tokenizer sorts them.
"""

import re

from tools.shapes import captions
from tools.shapes.names import COLOUR_WORDS, COLOURS, SHAPE_WORDS, plural

#: Function words of the forms in `captions`, and words that people add to prompts; the latter are
#: never trained on, and are here so that a word takes one token rather than one a letter.
MORE = (
    "a an in on at of and with the to is next left right above below under against background "
    "no not ugly bad worst low quality normal high text watermark grainy noise noisy pixelated "
    "round shape shapes object objects colour color colorful bright dark light one 1 1k 2k 16k "
    "photo photograph realistic cinematic style art artstation trending unreal engine octane "
    "moving rotating spinning up down video film growing shrinking still slowly fast "
    ", . ! ? - ( ) : ; ' \""
)


def vocabulary() -> list[str]:
    """Sorted, each once, in lower case; a word is a run of letters, a digit, or one sign."""
    texts = [
        *captions.OPENINGS, *captions.FILLERS, *captions.BACKGROUND_FORMS, MORE, *COLOURS,
        *captions.BESIDE_WORDS, *captions.BESIDE_TURNED_WORDS,
        *captions.ABOVE_WORDS, *captions.ABOVE_TURNED_WORDS,
    ]  # fmt: skip
    for table in (
        captions.SIZE_WORDS, captions.PLACE_WORDS, captions.FINISH_WORDS, captions.NUMBER_WORDS,
        COLOUR_WORDS, SHAPE_WORDS,
    ):  # fmt: skip
        texts += [text for row in table.values() for text in row]
    texts += [plural(word) for row in SHAPE_WORDS.values() for word in row]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+|\d|[^\sa-z\d_{}]", text)})
