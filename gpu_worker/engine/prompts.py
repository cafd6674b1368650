"""The prompts of a request as the model is to read them, and whether it reads them to the end."""

from dataclasses import dataclass
from typing import Any

from shared.request import ImageRequest
from shared.weighting import Weighted, read_weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompts:
    """Free of syntax; None where there is none. The negative one is never blank."""

    prompt: str | None
    negative: str | None
    #: Of `prompt` and of `negative`: None where the request asks for no weighting.
    weights: tuple[tuple[Weighted, ...], tuple[Weighted, ...]] | None = None


def read_prompts(request: ImageRequest) -> Prompts:
    prompt: str | None = getattr(request, "prompt", None)
    negative = request.negative_prompt or None
    if not request.prompt_weighting:
        return Prompts(prompt=prompt, negative=negative)
    weights = read_weights(prompt) if prompt else ()
    negative_weights = read_weights(negative) if negative and negative.strip() else ()
    if not _plain(negative_weights).strip():
        negative_weights = ()
    return Prompts(
        prompt=None if prompt is None else _plain(weights),
        negative=_plain(negative_weights) or None,
        weights=(weights, negative_weights),
    )


def is_truncated(pipeline: Any, text: str | None) -> bool:
    """True when one of the pipeline's tokenizers makes more tokens of `text` than are read."""
    tokenizers = (pipeline.tokenizer, pipeline.tokenizer_2)
    return any(
        len(tokenizer(text, truncation=False, padding=False, verbose=False)["input_ids"])
        > tokenizer.model_max_length
        for tokenizer in tokenizers
        if text and tokenizer is not None
    )


def _plain(weights: tuple[Weighted, ...]) -> str:
    """What the pooled embedding is made of, which knows no weights: all that counts at all."""
    return "".join(it.text for it in weights if it.weight > 0)
