"""Nothing that a person wrote, and no secret, is in any log: all of a run's logs are searched.

Each field holds a word that nothing else in the world does. The worker logs as much as it can.
"""

import base64
import io
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import running_worker
from tests.e2e.test_worker_death import engine_of, processing
from tools.demo.phone import Phone
from tools.stack import Stack
from tools.stack.worker import Worker

PATIENCE_SECONDS = 90.0
ALLOWED_HOST = "photos.nowhere.invalid"
#: As much of a data URL as no log line has by chance.
SHOWN_CHARACTERS = 24


@dataclass
class Secrets:
    """Words of one run, by what they stand for."""

    words: dict[str, str] = field(default_factory=dict)

    def new(self, what: str) -> str:
        # Letters only, so that no tokenizer or log cuts it at a digit.
        letters = secrets.token_hex(12).translate(str.maketrans("0123456789", "ghijklmnop"))
        self.words[what] = letters
        return letters

    def keep(self, what: str, word: str) -> str:
        self.words[what] = word
        return word

    def found_in(self, text: str) -> list[str]:
        """What of them `text` quotes, whole or from the sixth letter on."""
        return [
            what
            for what, word in self.words.items()
            if word.lower() in text.lower() or word[6:18].lower() in text.lower()
        ]


@pytest.fixture(scope="module")
def hidden() -> Secrets:
    return Secrets()


@pytest.fixture(scope="module")
def talkative(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, hidden: Secrets
) -> Iterator[Worker]:
    with running_worker(
        stack,
        tmp_path_factory.mktemp("talkative"),
        EMBERFRAME_LOG_LEVEL="DEBUG",
        EMBERFRAME_IMAGE_HOSTS=ALLOWED_HOST,
        HF_TOKEN="hf_" + hidden.new("a token of the model hub"),
    ) as worker:
        yield worker


def picture(hidden: Secrets, what: str, colour: tuple[int, int, int] | None = None) -> str:
    """A data URL of noise, or of one colour, whose very characters are secret."""
    pixels = np.frombuffer(secrets.token_bytes(64 * 64 * 3), np.uint8).reshape(64, 64, 3)
    image = Image.fromarray(pixels) if colour is None else Image.new("RGB", (64, 64), colour)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    middle = len(encoded) // 2
    hidden.keep(what, encoded[middle : middle + SHOWN_CHARACTERS])
    return f"data:image/png;base64,{encoded}"


def address(hidden: Secrets, host: str, what: str) -> str:
    return f"https://{host}/{hidden.new(f'the path of {what}')}.png?token=" + hidden.new(
        f"the token of {what}"
    )


def refused(hidden: Secrets, phone: Phone) -> Mapping[str, tuple[dict[str, Any], str]]:
    """Requests that fail, with their codes: in the function, in the worker, at the wall."""
    of_nobody = f"users/{hidden.new('a uid')}/inputs/a.png"
    return {
        "a parameter": (
            {"prompt": hidden.new("a refused prompt"), "scheduler": hidden.new("a scheduler")},
            "invalid_input",
        ),
        "an unknown key": ({"prompt": "x", hidden.new("a key"): 1}, "invalid_input"),
        "a LoRA's address": (
            {
                "prompt": "x",
                "loras": [{"name": address(hidden, "loras.invalid", "a LoRA's address")}],
            },
            "invalid_input",
        ),
        "a LoRA's name": (
            {"prompt": "x", "loras": [{"name": hidden.new("a LoRA's name")}]},
            "invalid_input",
        ),
        "a weight": (
            {"prompt": f"((({hidden.new('a weighted prompt')}:", "prompt_weighting": True},
            "invalid_input",
        ),
        "another host": (
            {"prompt": "x", "image_url": address(hidden, "evil.invalid", "another host")},
            "invalid_input",
        ),
        "an allowed host": (
            {"prompt": "x", "image_url": address(hidden, ALLOWED_HOST, "an allowed host")},
            "input_unavailable",
        ),
        "another person's file": (
            {"prompt": "x", "image_url": f"gs://pictures/{of_nobody}"},
            "invalid_input",
        ),
        "an own file that is not there": (
            {
                "prompt": "x",
                "image_url": f"gs://demo-emberframe.firebasestorage.app/users/{phone.uid}/inputs/"
                + hidden.new("a file's name"),
            },
            "input_unavailable",
        ),
        "a damaged picture": (
            {
                "prompt": hidden.new("the prompt of a damaged picture"),
                "image_url": "data:image/png;base64,"
                + base64.b64encode(hidden.new("a damaged picture").encode()).decode(),
            },
            "invalid_input",
        ),
        "a black mask": (
            {
                "prompt": hidden.new("the prompt of a black mask"),
                "image_url": picture(hidden, "the image of a black mask"),
                "mask_url": picture(hidden, "a black mask", (0, 0, 0)),
            },
            "invalid_input",
        ),
    }


def made(hidden: Secrets, earlier: str) -> Mapping[str, dict[str, Any]]:
    """Requests that succeed."""
    long = " ".join(["a red circle on a blue background"] * 14)
    return {
        "a long prompt": {
            # Its end is beyond what the model reads, which libraries like to say word by word.
            "prompt": f"{hidden.new('the start of a prompt')} {long} {hidden.new('its end')}",
            "negative_prompt": f"{hidden.new('a negative prompt')} {long} {hidden.new('the end')}",
        },
        "weights": {
            "prompt": f"({hidden.new('a heavy word')}:1.3) {long} [{hidden.new('a light word')}]",
            "prompt_weighting": True,
        },
        "an earlier picture": {"prompt": hidden.new("its prompt"), "image_url": earlier},
        "inpainting": {
            "prompt": hidden.new("the prompt of an inpainting"),
            "image_url": picture(hidden, "an image"),
            "mask_url": picture(hidden, "a mask", (255, 255, 255)),
        },
        "a film": {
            "task_type": "text2video",
            "prompt": f"{hidden.new('the prompt of a film')} {long}",
            "negative_prompt": hidden.new("the negative prompt of a film"),
            "num_frames": 17,
        },
    }


def test_no_log_of_a_run_has_a_prompt_an_address_or_a_secret(
    stack: Stack, phone: Phone, talkative: Worker, hidden: Secrets
) -> None:
    ids: dict[str, str] = {}

    def ask(what: str, request: Mapping[str, Any]) -> dict[str, Any]:
        ids[what] = secrets.token_hex(8)
        phone.create(ids[what], {"num_inference_steps": 2, **request})
        *_, last = phone.documents(ids[what], PATIENCE_SECONDS)
        final: dict[str, Any] = last["data"]
        return final

    first = ask("the first", {"prompt": hidden.new("the first prompt")})
    url = first["output"]["image_url"]
    (token,) = parse_qs(urlsplit(url).query)["token"]
    hidden.keep("the token of an output", token)
    for what, request in made(hidden, url).items():
        assert ask(what, request)["status"] == "completed", what
    by_function = set()
    for what, (request, code) in refused(hidden, phone).items():
        final = ask(what, request)
        assert (final["status"], final["error"]["code"]) == ("failed", code), (what, final)
        if "attempt" not in final:
            by_function.add(what)
    assert by_function, "the function has refused some"

    ids["a killed engine"] = secrets.token_hex(8)
    phone.create(
        ids["a killed engine"],
        {"prompt": hidden.new("the prompt of a killed engine"), "num_inference_steps": 150},
    )
    processing(phone, ids["a killed engine"])
    engine_of(talkative).kill()
    *_, last = phone.documents(ids["a killed engine"], PATIENCE_SECONDS)
    assert last["data"]["status"] == "completed"

    of_worker = talkative.log.read_text("utf-8", "replace")
    of_stack = "".join(
        file.read_text("utf-8", "replace") for file in stack.log_files.values() if file.exists()
    )
    # The logs are those of this run, and tell of each generation.
    assert '"severity": "INFO"' in of_worker
    for what, generation_id in ids.items():
        assert generation_id in of_stack, what
        assert (generation_id in of_worker) == (what not in by_function), what
    assert hidden.found_in(of_worker) == []
    assert hidden.found_in(of_stack) == []


def test_the_search_finds_what_is_quoted(hidden: Secrets, tmp_path: Path) -> None:
    word = Secrets()
    quoted = word.new("a word")
    assert word.found_in(f"truncated: ['…{quoted[6:18].upper()}']") == ["a word"]
    assert word.found_in("nothing") == []
