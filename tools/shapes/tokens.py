"""The tokenizer: byte pairs merged until every word of the vocabulary is one token.

`tokenizers.BpeTrainer` numbers tokens differently from process to process, so that a checkpoint
trained in one is deaf in the next. Here pairs that occur equally often are ranked by their letters,
which leaves nothing to chance; the saved files are what everything else loads.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

from transformers import CLIPTokenizer

from tools.shapes.words import vocabulary

#: What a text encoder reads; prompts are padded and cut to it by the pipelines. Not SDXL's 77:
#: captions have 14 on average and 36 at most, and with 60 tokens of padding around them the
#: attention to words never began.
TOKENS = 32
START = "<|startoftext|>"
END = "<|endoftext|>"
#: CLIP's mark of the last part of a word.
WORD_END = "</w>"

Pair = tuple[str, str]


def build_tokenizer() -> Any:
    """A CLIPTokenizer, the same one in every process."""
    merges = learn_merges(vocabulary())
    letters = byte_letters()
    tokens = [START, END, *letters, *(letter + WORD_END for letter in letters)]
    tokens += ["".join(pair) for pair in merges]
    # The annotation of the constructor says lines of text; its code takes pairs, as its files do.
    joined: Any = merges
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=numbers, merges=joined, model_max_length=TOKENS)


def learn_merges(words: list[str]) -> list[Pair]:
    """The merges, first to be done first, after which each of `words` is one token."""
    split = {word: (*word[:-1], word[-1] + WORD_END) for word in words}
    merges: list[Pair] = []
    while any(len(parts) > 1 for parts in split.values()):
        counts = Counter(pair for parts in split.values() for pair in pairwise(parts))
        most = max(counts.values())
        chosen = min(pair for pair, count in counts.items() if count == most)
        merges.append(chosen)
        split = {word: _merge(parts, chosen) for word, parts in split.items()}
    return merges


def byte_letters() -> list[str]:
    """The 256 characters by which byte-level tokenizers write the 256 bytes, in their order.

    Printable characters of Latin-1 stand for themselves, the other bytes for those from 256 on.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return [
        chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in range(256)
    ]


def _merge(parts: tuple[str, ...], pair: Pair) -> tuple[str, ...]:
    merged: list[str] = []
    for part in parts:
        # A pair just made ends in more letters than its second half, so it cannot match again.
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)
