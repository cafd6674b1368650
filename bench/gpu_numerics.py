"""How far one evaluation in bf16 is from the same in fp32: same weights, same inputs.

The weights are random, so this says what the arithmetic loses, not what a picture would show.
"""

import copy
from typing import Any

import torch

from bench.gpu_counting import BASE_TIME_IDS, FRAMES_A_LATENT, PIXELS_A_LATENT
from bench.gpu_parts import PICTURE_TOKENS, Parts
from gpu_worker.engine.device import Device

#: `max` and `mean` of the absolute differences, and `rms` of fp32's own output to see them against.
Errors = dict[str, float]
TIMESTEP = 500


def unet_error(parts: Parts, device: Device) -> Errors:
    size = parts.size
    side = size.picture // PIXELS_A_LATENT
    inputs = _random(
        sample=(1, size.unet.get("in_channels", 4), side, side),
        encoder_hidden_states=(1, PICTURE_TOKENS, size.unet["cross_attention_dim"]),
        text_embeds=(1, size.text_2["projection_dim"]),
        time_ids=(1, BASE_TIME_IDS),
    )

    def run(module: Any, given: dict[str, torch.Tensor]) -> Any:
        conditions = {name: given.pop(name) for name in ("text_embeds", "time_ids")}
        return module(**given, timestep=TIMESTEP, added_cond_kwargs=conditions, return_dict=False)[
            0
        ]

    return _error(parts["unet"], run, inputs, device)


def transformer_error(parts: Parts, device: Device) -> Errors:
    size = parts.size
    width, height = (side // PIXELS_A_LATENT for side in size.film)
    frames = (size.frames - 1) // FRAMES_A_LATENT + 1
    inputs = _random(
        hidden_states=(1, size.transformer["in_channels"], frames, height, width),
        encoder_hidden_states=(1, size.film_tokens, size.transformer["text_dim"]),
    )

    def run(module: Any, given: dict[str, torch.Tensor]) -> Any:
        timestep = torch.tensor([TIMESTEP], device=device.torch_device)
        return module(**given, timestep=timestep, return_dict=False)[0]

    return _error(parts["transformer"], run, inputs, device)


def _random(**shapes: tuple[int, ...]) -> dict[str, torch.Tensor]:
    generator = torch.Generator("cpu").manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@torch.no_grad()
def _error(module: Any, run: Any, inputs: dict[str, torch.Tensor], device: Device) -> Errors:
    # Both from the same bf16 weights; a GPU rounds fp32's factors to TF32 unless told not to.
    outputs = []
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for dtype in (torch.bfloat16, torch.float32):
            own = copy.deepcopy(module).to(torch.bfloat16).to(dtype)
            given = {name: it.to(device.torch_device, dtype) for name, it in inputs.items()}
            outputs.append(run(own, given).float())
            del own
    low, exact = outputs
    difference = (low - exact).abs()
    return {
        "max": float(difference.max()),
        "mean": float(difference.mean()),
        "rms": float(exact.square().mean().sqrt()),
    }
