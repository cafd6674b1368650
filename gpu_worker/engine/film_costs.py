"""How far a film is, of what it costs altogether: one fraction over stages that are not alike."""

from dataclasses import dataclass

from gpu_worker.engine.sizes import Lengths
from gpu_worker.engine.specs import FilmSpec
from gpu_worker.engine.stages import NO_GUIDANCE
from shared.request import Text2VideoRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmCosts:
    """In evaluations of the transformer; the specs say what the other stages come to."""

    encode: float
    #: Of one step: with guidance the transformer is asked twice.
    step: int
    steps: int
    decode: float

    @classmethod
    def of(cls, spec: FilmSpec, request: Text2VideoRequest, lengths: Lengths) -> "FilmCosts":
        return cls(
            encode=spec.encode_cost,
            step=2 if request.video_guidance_scale > NO_GUIDANCE else 1,
            steps=request.num_inference_steps,
            decode=spec.frame_cost * lengths.drawn,
        )

    def fraction(self, stage: str, *, step: int, decoded: float) -> float:
        """0 … 1 when `stage` is under way, after `step` steps and the share `decoded`, 0 … 1."""
        spent = self.step * step + self.decode * decoded
        if stage != "encode":
            spent += self.encode
        whole = self.encode + self.step * self.steps + self.decode
        return min(1.0, spent / whole)  # a sum's last bit may be more
