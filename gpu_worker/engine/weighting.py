"""Embeddings of weighted and of long prompts, by the library compel.

A prompt is encoded in pieces of what the text encoders read at once (77 tokens for CLIP), split at
punctuation where there is some. A weight above 1 moves its tokens' embeddings away from those of no
text, one below 1 moves all embeddings towards those of the prompt without these words. Imported
only for requests that ask for it. Not used of compel: its parser (see `shared.weighting`), and its
pooled embeddings, which it makes of the prompt with the syntax in it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from compel.embeddings_provider import (
    EmbeddingsProvider,
    ReturnedEmbeddingsType,
    SplitLongTextMode,
)

from gpu_worker.engine.text_cache import Embedding, Remember, forget
from shared.weighting import Weighted

NOTHING = Weighted(text="", weight=1.0)


def weigh(
    pipeline: Any,
    weights: tuple[Sequence[Weighted], Sequence[Weighted]],
    unweighted: tuple[Embedding, Embedding | None],
    remember: Remember = forget,
) -> tuple[Embedding, Embedding | None]:
    """Of prompt and negative prompt: `unweighted`, with other sequences and nothing left out."""
    plain, negative_plain = unweighted
    prompt, negative = weights
    sequence, negative_sequence = (
        it.to(plain.sequence.dtype) for it in embed(pipeline, prompt, negative, remember=remember)
    )
    weighted = Embedding(sequence=sequence, pooled=plain.pooled)
    if negative_plain is None:
        return weighted, None
    if not negative and pipeline.config.force_zeros_for_empty_prompt:
        negative_sequence = torch.zeros_like(sequence)
    return weighted, Embedding(sequence=negative_sequence, pooled=negative_plain.pooled)


def embed(
    pipeline: Any, *prompts: Sequence[Weighted], remember: Remember = forget
) -> list[torch.Tensor]:
    """Of each prompt 1 × tokens × channels, all padded by pieces of no text to equal length.

    `pipeline` is one of SDXL's kind: a refiner has the second text encoder only.
    """

    def read(prompt: Sequence[Weighted]) -> torch.Tensor:
        key = ("weighted", tuple(prompt))
        return remember(key, lambda: Embedding(sequence=_embed(pipeline, prompt))).sequence

    embeddings = [read(prompt) for prompt in prompts]
    lengths = [it.shape[1] for it in embeddings]
    if len(set(lengths)) == 1:
        return embeddings
    nothing = read(())
    return [
        torch.cat([it, nothing.repeat(1, (max(lengths) - length) // nothing.shape[1], 1)], dim=1)
        for it, length in zip(embeddings, lengths, strict=True)
    ]


def _embed(pipeline: Any, prompt: Sequence[Weighted]) -> torch.Tensor:
    encoders = (
        (pipeline.tokenizer, pipeline.text_encoder),
        (pipeline.tokenizer_2, pipeline.text_encoder_2),
    )
    # Both tokenizers know the same words, so that they make as many pieces.
    embeddings = [
        _embed_prompt(_provider(tokenizer, encoder), prompt)
        for tokenizer, encoder in encoders
        if encoder is not None
    ]
    return torch.cat(embeddings, dim=-1)


def _provider(tokenizer: Any, encoder: Any) -> Any:
    # Made anew each time: it remembers the embedding of no text, which a LoRA changes.
    return EmbeddingsProvider(
        tokenizer=tokenizer,
        text_encoder=encoder,
        truncate=False,
        returned_embeddings_type=ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED,
        split_long_text_mode=SplitLongTextMode.PHRASES,
    )


def _embed_prompt(provider: Any, prompt: Sequence[Weighted]) -> torch.Tensor:
    # compel stumbles over no stretch at all, and over a weight without a token, as of a space.
    heard = [it for it in prompt if it.text.strip()] or [NOTHING]
    embedding: torch.Tensor = provider.get_embeddings_for_weighted_prompt_fragments(
        text_batch=[[it.text for it in heard]],
        fragment_weights_batch=[[it.weight for it in heard]],
        device=provider.text_encoder.device,
    )
    return embedding
