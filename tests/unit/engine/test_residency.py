"""What stays on the GPUs that there are, and which combinations are refused, with numbers."""

import pytest

from gpu_worker.engine.film_memory import GB
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.residency import DECODING_BYTES_PER_PIXEL, decide
from gpu_worker.engine.specs import SDXL, SHAPES, SHAPES_FILM, WAN, FilmSpec, PictureSpec
from shared.errors import GenerationError

#: Of a card's memory: CUDA's own and the image check's.
TAKEN_BYTES = int(1.0 * GB)
MODELS: dict[str, tuple[PictureSpec | None, FilmSpec | None]] = {
    "both": (SDXL, WAN),
    "pictures": (SDXL, None),
    "films": (None, WAN),
}


def free_on(card_gb: int) -> int:
    return card_gb * GB - TAKEN_BYTES


@pytest.mark.parametrize(
    ("card_gb", "models", "precision", "resident_gb", "streams", "tiles"),
    [
        (16, "pictures", "bf16", 12.1, False, True),
        (24, "pictures", "bf16", 12.1, False, False),
        (24, "films", "bf16", 14.5, False, False),
        (24, "both", "bf16", 15.2, True, True),
        (24, "both", "fp16", 15.2, True, True),
        (48, "both", "bf16", 26.5, False, False),
        (48, "pictures", "fp32", 24.1, False, False),
        (48, "both", "fp32", 30.3, True, False),
        (80, "both", "bf16", 26.5, False, False),
        (80, "both", "fp32", 53.1, False, False),
    ],
)
def test_a_card_keeps_what_fits(
    card_gb: int, models: str, precision: str, resident_gb: float, *, streams: bool, tiles: bool
) -> None:
    free = free_on(card_gb)
    picture, film = MODELS[models]
    residency = decide(free, picture, film, Precision(precision))
    assert residency.resident_bytes / GB == pytest.approx(resident_gb, abs=0.06)
    assert residency.left_bytes == free - residency.resident_bytes
    assert residency.streams_text_encoder is streams
    assert residency.tiles_pictures is tiles


@pytest.mark.parametrize(
    ("card_gb", "models", "precision", "words"),
    [
        (
            12,
            "pictures",
            "bf16",
            ("sdxl needs 14.6 GB", "bf16 (12.1 GB of weights)", "11.0 GB are"),
        ),
        (24, "pictures", "fp32", ("sdxl needs 28.7 GB", "23.0 GB are", "PRECISION=bf16 halves")),
        (
            16,
            "both",
            "bf16",
            ("wan beside sdxl (12.1 GB) needs 5.9 GB", "2.9 GB are", "MODEL=none"),
        ),
        (6, "films", "bf16", ("The model wan needs 5.9 GB", "5.0 GB are free")),
    ],
)
def test_what_cannot_fit_is_refused_with_its_numbers(
    card_gb: int, models: str, precision: str, words: tuple[str, ...]
) -> None:
    picture, film = MODELS[models]
    with pytest.raises(GenerationError) as refusal:
        decide(free_on(card_gb), picture, film, Precision(precision))
    assert [it for it in words if it not in refusal.value.message] == [], refusal.value.message


def test_more_memory_never_means_less_comfort_and_what_is_left_is_enough_for_a_picture() -> None:
    streamed = tiled = True
    for gigabytes in range(19, 90):
        residency = decide(gigabytes * GB, SDXL, WAN, Precision.BF16)
        assert residency.left_bytes > DECODING_BYTES_PER_PIXEL * 1024 * 1024
        assert streamed or not residency.streams_text_encoder
        streamed, tiled = residency.streams_text_encoder, residency.tiles_pictures
    assert not streamed
    assert not tiled


def test_models_without_weights_to_speak_of_fit_everywhere() -> None:
    residency = decide(0, SHAPES, SHAPES_FILM, Precision.FP32)
    assert (residency.resident_bytes, residency.streams_text_encoder) == (0, False)
    assert not residency.tiles_pictures
