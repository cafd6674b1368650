"""The loaded model: takes the jobs that its spec allows, and warms itself up. Imports torch."""

from collections.abc import Callable

from gpu_worker.engine.device import Device, choose_device, clean_up, limit_threads, memory_in_use
from gpu_worker.engine.drawing import Drawing
from gpu_worker.engine.loading import load_pipelines
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import ModelSpec, Size, Source, unsupported
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult
from shared.request import Text2ImgRequest

#: On a CPU the warm-up of a big model must cost little: 64 × 64 pixels still pass every layer.
CPU_WARM_UP_PIXELS = 128 * 128
SMALL: Size = (64, 64)


class Model:
    """One model of the table on one device."""

    def __init__(
        self, spec: ModelSpec, source: Source, *, precision: Precision = Precision.AUTO
    ) -> None:
        """Raises `GenerationError` when it cannot be loaded."""
        limit_threads(spec.cpu_threads)
        self.device: Device = choose_device(precision)
        self._spec = spec
        self._draw = Drawing(spec, load_pipelines(spec, source, self.device), self.device)

    def warm_up(self) -> None:
        """Run every layer once, at the default size where that is cheap.

        The first job is then no slower than the next: kernels are chosen, threads and the
        allocator's pool are there.
        """
        width, height = self._spec.default_size
        if not self.device.is_gpu and width * height > CPU_WARM_UP_PIXELS:
            width, height = SMALL
        request = Text2ImgRequest(
            prompt="warm-up",
            width=width,
            height=height,
            num_inference_steps=1,
            refiner_inference_steps=1,
        )
        job = EngineJob(job_id="warm-up", request=request, seed=0)
        self._draw(job, lambda _: None, lambda: None)

    def generate(
        self,
        job: EngineJob,
        report: Callable[[EngineProgress], None],
        stop_if_asked: Callable[[], None],
    ) -> EngineResult:
        """Raises `GenerationError` for a task that the model does not have."""
        if job.request.task_type not in self._spec.tasks:
            raise unsupported(job.request.task_type, self._spec.tasks)
        return self._draw(job, report, stop_if_asked)

    def recover(self) -> bool:
        """After a failed job: give back what it held. False when the device is beyond use."""
        return clean_up(self.device)

    def memory_in_use(self) -> dict[str, int]:
        return memory_in_use(self.device)
