"""Reads one text by the text encoders of a pipeline of SDXL's kind, a negative prompt or not.

The numbers are those of the pipeline's own `encode_prompt`, to the bit. That looks for hooks in
each layer of each encoder whenever it is called, which takes longer than CLIP takes for a text.
"""

from typing import Any

import torch

from gpu_worker.engine.prompts import is_truncated
from gpu_worker.engine.text_cache import Embedding, Remember


def read_text(pipeline: Any, text: str, remember: Remember) -> Embedding:
    """Kept under the text itself."""
    return remember(text, lambda: _read(pipeline, text))


def _read(pipeline: Any, text: str) -> Embedding:
    # A refiner has the second alone.
    encoders = [
        (tokenizer, encoder)
        for tokenizer, encoder in (
            (pipeline.tokenizer, pipeline.text_encoder),
            (pipeline.tokenizer_2, pipeline.text_encoder_2),
        )
        if encoder is not None
    ]
    sequences = []
    pooled: Any = None
    full = False
    for tokenizer, encoder in encoders:
        tokens = tokenizer(
            text,
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        # Only what fills all places may be longer.
        full |= bool(tokens.attention_mask.all())
        first = next(iter(encoder.parameters()))
        read = encoder(_moved(tokens.input_ids, first.device), output_hidden_states=True)
        # SDXL was trained with the last layer but one.
        sequences.append(read.hidden_states[-2].to(first.dtype))
        # Of the whole text: the second encoder's.
        pooled = read[0]
    return Embedding(
        sequence=torch.cat(sequences, dim=-1),
        pooled=pooled,
        truncated=full and is_truncated(pipeline, text),
    )


def _moved(ids: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Without waiting for what a GPU has been given before: that may be another job's step."""
    if device.type != "cuda":
        return ids.to(device)
    return ids.pin_memory().to(device, non_blocking=True)
