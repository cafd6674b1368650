"""`python -m bench.gpu_counting [--toy]`: parameters and floating-point operations, as JSON.

Counted on `meta` tensors, which have a shape and no memory: 5.7 billion parameters cost nothing.
Operations are those of matrix products, convolutions and attention (`torch.utils.flop_counter`);
what is left out is bound by memory, not by arithmetic.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.gpu_models import FULL, TOY, Size
from bench.gpu_parts import PARTS, PICTURE_TOKENS, Parts
from gpu_worker.engine.kernels import fuse

META = torch.device("meta")
#: A guided step evaluates the model with the prompt and without.
GUIDED = 2
#: Pixels of a latent's side, and frames of a latent.
PIXELS_A_LATENT, FRAMES_A_LATENT = 8, 4
#: Numbers about the size and the crop that SDXL is told; about the aesthetics its refiner.
BASE_TIME_IDS, REFINER_TIME_IDS = 6, 5


def count_parameters(size: Size) -> dict[str, int]:
    """Of each part, and of the fused projections that the engine puts beside SDXL's UNet."""
    parts = Parts(size, META, torch.float32)
    counted = {name: _parameters(parts[name]) for name in PARTS}
    fuse(parts["unet"])
    return {**counted, "fused": _parameters(parts["unet"]) - counted["unet"]}


def _parameters(module: Any) -> int:
    return sum(it.numel() for it in module.parameters())


def count_operations(size: Size) -> dict[str, float]:
    """FLOP of each stage: `encode`, `refiner_encode`, `step`, `refiner_step`, `decode` of one
    picture, and `film_encode`, `film_step`, `film_decode`. Steps are guided."""
    parts = Parts(size, META, torch.float32)
    picture = size.picture // PIXELS_A_LATENT
    width, height = (side // PIXELS_A_LATENT for side in size.film)
    frames = (size.frames - 1) // FRAMES_A_LATENT + 1
    film = (1, size.transformer["in_channels"], frames, height, width)
    pooled = size.text_2["projection_dim"]
    text = _counted(lambda: parts["text"](_tokens(PICTURE_TOKENS)))
    text_2 = _counted(lambda: parts["text_2"](_tokens(PICTURE_TOKENS)))
    film_text = _counted(lambda: parts["film_text"](_tokens(size.film_tokens)))

    def unet(name: str, time_ids: int) -> float:
        module = parts[name]
        return _counted(
            lambda: module(
                _empty(GUIDED, 4, picture, picture),
                _empty(),
                _empty(GUIDED, PICTURE_TOKENS, module.config.cross_attention_dim),
                added_cond_kwargs={
                    "text_embeds": _empty(GUIDED, pooled),
                    "time_ids": _empty(GUIDED, time_ids),
                },
            )
        )

    transformer = _counted(
        lambda: parts["transformer"](
            _empty(*film), _empty(1), _empty(1, size.film_tokens, size.transformer["text_dim"])
        )
    )
    return {
        "encode": GUIDED * (text + text_2),
        "refiner_encode": GUIDED * text_2,
        "step": unet("unet", BASE_TIME_IDS),
        "refiner_step": unet("refiner", REFINER_TIME_IDS),
        "decode": _counted(lambda: parts["vae"].decode(_empty(1, 4, picture, picture))),
        "film_encode": GUIDED * film_text,
        "film_step": GUIDED * transformer,
        "film_decode": _counted(lambda: parts["film_vae"].decode(_empty(*film))),
    }


def _counted(run: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return float(counter.get_total_flops())


def _empty(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device=META)


def _tokens(count: int) -> torch.Tensor:
    return torch.zeros((1, count), dtype=torch.long, device=META)


def main() -> None:
    size = TOY if "--toy" in sys.argv[1:] else FULL
    print(json.dumps({"parameters": count_parameters(size), "flop": count_operations(size)}))


if __name__ == "__main__":
    main()
