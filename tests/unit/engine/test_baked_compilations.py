"""What `bake --compile` does to a model; on a CPU all of it but compiling."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gpu_worker.engine.attention_choice import AttentionChoice
from gpu_worker.engine.compiling.baked import TIMES, compile_model
from gpu_worker.engine.model import PICTURES, WARM_UP, Model
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import EngineJob
from shared.request import Text2ImgRequest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_attention_kernels_are_chosen_before_the_sizes_to_be_compiled_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a worker: its graphs have those kernels in them, and would not be found by another."""
    model = Model((SHAPES, SHAPES.source))
    done: list[str] = []
    generate: Any = model.generate

    @contextmanager
    def watching(_: AttentionChoice, kind: str) -> Iterator[None]:
        yield
        done.append(f"tried for {kind}")

    def noted(job: EngineJob, *hooks: Any) -> Any:
        done.append(job.job_id)
        return generate(job, *hooks)

    monkeypatch.setattr(AttentionChoice, "watching", watching)
    monkeypatch.setattr(model, "generate", noted)
    request = Text2ImgRequest(prompt="x", num_inference_steps=1, refiner_inference_steps=1)
    assert compile_model(model, request) == 0
    assert done == [WARM_UP, f"tried for {PICTURES}", *["bake"] * TIMES]
