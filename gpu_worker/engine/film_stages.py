"""The stages of a film before its frames: encode prompts, denoise latents.

The numbers are those of a plain call of the published pipeline. Call them under `torch.no_grad()`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

from gpu_worker.engine.fresh_schedulers import fresh_scheduler
from gpu_worker.engine.guidance_cutoff import NO_GUIDANCE, end_guidance
from gpu_worker.engine.sizes import Lengths, Sizes
from gpu_worker.engine.specs import FilmSpec
from gpu_worker.engine.text_cache import Embedding, Remember, forget
from shared.request import Text2VideoRequest

#: What Wan2.1 was trained with, in tokens; a smaller model's tokenizer says that it reads fewer.
MOST_TOKENS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedFilm:
    prompt: torch.Tensor
    #: None where there is no guidance.
    negative_prompt: torch.Tensor | None
    guidance_scale: float
    #: True when the end of a prompt was left out.
    truncated: bool


def encode(
    pipeline: Any,
    request: Text2VideoRequest,
    device: torch.device,
    remember: Remember = forget,
) -> EncodedFilm:
    """`pipeline` has the text encoder. An absent negative prompt is an empty one, as published."""
    tokens = min(MOST_TOKENS, pipeline.tokenizer.model_max_length)

    def read(text: str) -> Embedding:
        sequence, _ = pipeline.encode_prompt(
            prompt=text,
            do_classifier_free_guidance=False,
            max_sequence_length=tokens,
            device=device,
        )
        cut = _count_tokens(pipeline.tokenizer, text) > tokens
        return Embedding(sequence=sequence, truncated=cut)

    scale = request.video_guidance_scale
    texts = [request.prompt, *([request.negative_prompt or ""] if scale > NO_GUIDANCE else [])]
    prompt, *negative = (remember(text, functools.partial(read, text)) for text in texts)
    return EncodedFilm(
        prompt=prompt.sequence,
        negative_prompt=negative[0].sequence if negative else None,
        guidance_scale=scale,
        truncated=any(it.truncated for it in (prompt, *negative)),
    )


def build_film_scheduler(scheduler: Any, config: Any, spec: FilmSpec, sizes: Sizes) -> Any:
    """A fresh one of `scheduler`'s class and `config`, with the flow shift of the drawn size."""
    if spec.flow_shifts is None:
        return fresh_scheduler(type(scheduler), config)
    side = min(sizes.drawn)
    shift = max((least, shift) for least, shift in spec.flow_shifts if side >= least)[1]
    return fresh_scheduler(type(scheduler), config, flow_shift=shift)


def denoise(
    pipeline: Any,
    encoded: EncodedFilm,
    sizes: Sizes,
    lengths: Lengths,
    *,
    seed: int,
    steps: int,
    guided: int | None = None,
    after_step: Callable[[int], None],
    stop_if_asked: Callable[[], None],
) -> torch.Tensor:
    """Latents (1 × channels × n × height/8 × width/8). `after_step(n)` comes after the n-th step.

    Of these the first `guided` are guided; all, if not given.

    Both call-backs may raise; `stop_if_asked` is called before each evaluation of the transformer,
    of which a guided step has two: on a small GPU they take seconds.

    Noise is drawn on the CPU, so that a seed means the same on every device.
    """

    def on_step_end(_pipe: Any, index: int, _timestep: Any, _tensors: Any) -> dict[str, Any]:
        after_step(index + 1)
        return end_guidance(pipeline, {}) if index + 1 == guided != steps else {}

    width, height = sizes.drawn
    stopping = pipeline.transformer.register_forward_pre_hook(lambda *_: stop_if_asked())
    try:
        latents: torch.Tensor = pipeline(
            prompt_embeds=encoded.prompt,
            negative_prompt_embeds=encoded.negative_prompt,
            guidance_scale=encoded.guidance_scale,
            width=width,
            height=height,
            num_frames=lengths.drawn,
            num_inference_steps=steps,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
            callback_on_step_end=on_step_end,
        ).frames
    finally:
        stopping.remove()
    return latents


def _count_tokens(tokenizer: Any, text: str) -> int:
    clean: Any = prompt_clean  # untyped
    read = tokenizer(clean(text), truncation=False, padding=False, verbose=False)
    return len(read["input_ids"])
