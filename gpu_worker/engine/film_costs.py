"""How far a film is, of what it costs altogether: one fraction over stages that are not alike."""

from dataclasses import dataclass

from gpu_worker.engine.guidance_cutoff import NO_GUIDANCE, guided_evaluations
from gpu_worker.engine.sizes import Lengths
from gpu_worker.engine.specs import FilmSpec
from shared.request import Text2VideoRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmCosts:
    """In evaluations of the transformer; the specs say what the other stages come to."""

    encode: float
    steps: int
    #: Of which the first, in which the transformer is asked twice.
    guided: int
    decode: float

    @classmethod
    def of(cls, spec: FilmSpec, request: Text2VideoRequest, lengths: Lengths) -> "FilmCosts":
        return cls(
            encode=spec.encode_cost,
            steps=request.num_inference_steps,
            guided=guided_steps(request),
            decode=spec.frame_cost * lengths.drawn,
        )

    def fraction(self, stage: str, *, step: int, decoded: float) -> float:
        """0 … 1 when `stage` is under way, after `step` steps and the share `decoded`, 0 … 1."""
        # Added up in the same order, so that the end is 1 to the last bit.
        read = 0.0 if stage == "encode" else self.encode
        spent = read + step + min(step, self.guided) + self.decode * decoded
        whole = self.encode + self.steps + self.guided + self.decode
        return min(1.0, spent / whole)


def guided_steps(request: Text2VideoRequest) -> int:
    """The first of its steps, in which the transformer is asked with the prompt and without."""
    if request.video_guidance_scale <= NO_GUIDANCE:
        return 0
    return guided_evaluations(request.speed_tier, request.num_inference_steps)
