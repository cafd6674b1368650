"""What lies where on a GPU, for the GPUs and sizes that there are."""

import pytest

from gpu_worker.engine.film_memory import needs_tiles, place
from gpu_worker.engine.specs import SHAPES_FILM, WAN, Size
from shared.errors import GenerationError

GB = 10**9
#: Weights of SDXL's base and refiner in bf16, and what CUDA takes for itself.
SDXL_BYTES = int(11.8 * GB)
CUDA_BYTES = int(0.6 * GB)
STAYING = 2 * (WAN.weights.transformer + WAN.weights.vae) if WAN.weights else 0
TEXT_ENCODER = 2 * WAN.weights.text_encoder if WAN.weights else 0
P480: Size = (832, 480)
P720: Size = (1280, 720)


def free_on(card_gb: int, *, beside_sdxl: bool) -> int:
    """Cards are sold in powers of two, of which the driver keeps some."""
    return int(card_gb * 1.0e9) - CUDA_BYTES - (SDXL_BYTES if beside_sdxl else 0)


@pytest.mark.parametrize(
    ("card_gb", "beside_sdxl", "streams", "tiles_480p", "tiles_720p"),
    [
        (16, False, True, False, False),
        (24, False, False, False, True),
        (24, True, True, False, True),
        (48, False, False, False, False),
        (48, True, False, False, False),
        (80, True, False, False, False),
    ],
)
def test_a_card_holds_what_fits(
    card_gb: int, beside_sdxl: bool, streams: bool, tiles_480p: bool, tiles_720p: bool
) -> None:
    free = free_on(card_gb, beside_sdxl=beside_sdxl)
    placement = place(free, WAN)
    assert placement.streams_text_encoder is streams
    left = free - STAYING - (0 if streams else TEXT_ENCODER)
    assert needs_tiles(left, P480) is tiles_480p
    assert needs_tiles(left, P720) is tiles_720p
    portrait = (720, 1280)
    assert needs_tiles(left, portrait) is tiles_720p


def test_a_card_without_room_for_a_film_beside_the_pictures_is_refused_with_advice() -> None:
    with pytest.raises(GenerationError, match=r"wan needs 5\.9 GB .* 3\.6 GB are free") as refusal:
        place(free_on(16, beside_sdxl=True), WAN)
    assert "EMBERFRAME_IMAGE_MODEL=none" in refusal.value.message


def test_a_model_without_weights_to_speak_of_fits_everywhere() -> None:
    assert not place(0, SHAPES_FILM).streams_text_encoder
