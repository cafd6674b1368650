"""The tokenizer: one token a word, room for anything else, the same in every process."""

import hashlib
import os
import subprocess
import sys
from random import Random

from tools.shapes.captions import caption_of
from tools.shapes.denoising import token_ids
from tools.shapes.latents import draw_scenes
from tools.shapes.tokens import TOKENS, build_tokenizer, byte_letters, learn_merges
from tools.shapes.words import vocabulary

TELL = """
import hashlib
from tools.shapes.tokens import build_tokenizer
print(hashlib.sha256(build_tokenizer().backend_tokenizer.to_str().encode()).hexdigest())
"""


def test_another_process_builds_the_same_tokenizer() -> None:
    told = subprocess.run(
        [sys.executable, "-c", TELL],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()
    own = build_tokenizer().backend_tokenizer.to_str()
    assert told == hashlib.sha256(own.encode()).hexdigest()


def test_every_word_is_one_token_and_no_two_share_it() -> None:
    tokenizer = build_tokenizer()
    ids = [tokenizer(word, add_special_tokens=False).input_ids for word in vocabulary()]
    assert all(len(it) == 1 for it in ids)
    assert len({it[0] for it in ids}) == len(ids)


def test_words_nobody_thought_of_come_out_as_their_letters() -> None:
    tokenizer = build_tokenizer()
    for text in ("zebra", "naïve café", "赤い円", "🙂"):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")


def test_captions_fit_into_what_the_model_reads_and_are_padded_to_it() -> None:
    tokenizer = build_tokenizer()
    chance = Random(0)
    captions = [caption_of(scene, chance) for scene in draw_scenes((128, 128), 500, 0)]
    ids = token_ids(tokenizer, captions)
    assert ids.shape == (500, TOKENS)
    assert (ids[:, -1] == tokenizer.pad_token_id).all()
    # What is cut off is filler, which comes last.
    whole = sum(len(tokenizer(it).input_ids) <= TOKENS for it in captions)
    assert whole >= 0.99 * len(captions)


def test_merges_join_frequent_pairs_first_and_break_ties_by_letters() -> None:
    assert learn_merges(["ab", "ab c", "zab"][:1]) == [("a", "b</w>")]
    assert learn_merges(["cat", "car", "can"])[0] == ("c", "a")
    assert learn_merges(["xy", "ab"])[0] == ("a", "b</w>")


def test_each_byte_has_a_letter_of_its_own() -> None:
    letters = byte_letters()
    assert len(set(letters)) == 256
    assert letters[ord("a")] == "a"
    assert letters[ord(" ")] == "Ġ"
