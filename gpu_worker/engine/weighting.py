"""Embeddings of weighted and of long prompts, by the library compel.

A prompt is encoded in pieces of what the text encoders read at once (77 tokens for CLIP), split at
punctuation where there is some; a weight above 1 moves its tokens' embeddings away from those of no
text, one below 1 towards the prompt without these words. Imported only for requests that ask for
it. What is not used of compel: its parser (see `shared.weighting`) and its pooled embeddings, which
are made of the prompt with its syntax in it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from compel.embeddings_provider import (
    EmbeddingsProvider,
    ReturnedEmbeddingsType,
    SplitLongTextMode,
)

from shared.weighting import Weighted


class Weigher:
    """One request on one pipeline of SDXL's kind, which has one text encoder or two."""

    def __init__(self, pipeline: Any) -> None:
        pairs = (
            (pipeline.tokenizer, pipeline.text_encoder),
            (pipeline.tokenizer_2, pipeline.text_encoder_2),
        )
        # Made anew for each request: they remember embeddings of no text, which a LoRA changes.
        self._providers = [
            _Provider(
                tokenizer=tokenizer,
                text_encoder=encoder,
                truncate=False,
                returned_embeddings_type=(
                    ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
                ),
                split_long_text_mode=SplitLongTextMode.PHRASES,
            )
            for tokenizer, encoder in pairs
            if encoder is not None
        ]

    def embed(self, *prompts: Sequence[Weighted]) -> list[torch.Tensor]:
        """Of each prompt 1 × tokens × channels, all padded by pieces of no text to equal length."""
        of_encoders = [self._embed(provider, prompts) for provider in self._providers]
        return [torch.cat(embeddings, dim=-1) for embeddings in zip(*of_encoders, strict=True)]

    def _embed(
        self, provider: "_Provider", prompts: Sequence[Sequence[Weighted]]
    ) -> list[torch.Tensor]:
        embeddings = [provider.embed(prompt) for prompt in prompts]
        # Both encoders' tokenizers have the same words, so that they make as many pieces.
        longest = max(it.shape[1] for it in embeddings)
        none = provider.embed(())
        return [
            torch.cat([it, none.repeat(1, (longest - it.shape[1]) // none.shape[1], 1)], dim=1)
            for it in embeddings
        ]


class _Provider(EmbeddingsProvider):  # type: ignore[misc] - compel is untyped
    """compel's own, but sure of where each stretch's tokens lie."""

    def embed(self, prompt: Sequence[Weighted]) -> torch.Tensor:
        """1 × (a multiple of the encoder's length) × channels."""
        tokens = self._tokens([it.text for it in prompt])
        heard = [it for it, ids in zip(prompt, tokens, strict=True) if ids]
        embeddings: torch.Tensor = self.get_embeddings_for_weighted_prompt_fragments(
            text_batch=[[it.text for it in heard]],
            fragment_weights_batch=[[it.weight for it in heard]],
            device=self.text_encoder.device,
        )
        return embeddings

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        ids: list[list[int]] = self.get_token_ids(list(texts), include_start_and_end_markers=False)
        return ids

    def _get_token_ranges_for_fragments(
        self, chunked_and_padded_token_ids: list[int], fragments: list[str]
    ) -> list[tuple[int, int]]:
        """First and last position of each stretch, of which none is empty.

        compel looks for their tokens among all of them, and fails where padding looks like a token
        of the prompt: SDXL's second tokenizer pads with "!".
        """
        del chunked_and_padded_token_ids
        tokens = self._tokens(fragments)
        positions = self._positions([it for ids in tokens for it in ids])
        ranges, first = [], 0
        for ids in tokens:
            ranges.append((positions[first], positions[first + len(ids) - 1]))
            first += len(ids)
        return ranges

    def _positions(self, tokens: list[int]) -> list[int]:
        """Where each token lies between the marks that begin and end every piece."""
        room = self.max_token_count - 2
        positions: list[int] = []
        piece = 0
        while len(positions) < len(tokens):
            rest = tokens[len(positions) :]
            count = min(len(rest), self._find_next_best_split_point(rest, max_length=room))
            begin = piece * self.max_token_count + 1
            positions += range(begin, begin + count)
            piece += 1
        return positions
