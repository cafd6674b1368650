"""The loaded models: takes the jobs that they do, and warms them up. Imports torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from gpu_worker.engine.attention_choice import AttentionChoice
from gpu_worker.engine.checked import Checked
from gpu_worker.engine.checking_spec import ImageCheckSpec
from gpu_worker.engine.compiling.background import Compiling
from gpu_worker.engine.compiling.choice import CompileChoice, CompileMode
from gpu_worker.engine.device import (
    Device,
    choose_device,
    clean_up,
    free_memory,
    limit_threads,
    memory_in_use,
)
from gpu_worker.engine.drawing import Drawing
from gpu_worker.engine.film_loading import load_film_pipelines
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.image_check import ImageCheck
from gpu_worker.engine.loading import load_pipelines
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.preparing import Preparing
from gpu_worker.engine.residency import decide
from gpu_worker.engine.seat import Seat
from gpu_worker.engine.specs import FilmSpec, PictureSpec, Size, Source, served_tasks, unsupported
from gpu_worker.engine.speed_options import Prepare, SpeedOptions
from gpu_worker.engine.text_cache import TextCache
from gpu_worker.engine.upcoming import Upcoming
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames
from shared.errors import ErrorCode, GenerationError
from shared.request import ImageRequest, Text2ImgRequest, Text2VideoRequest

#: On a CPU the warm-up of a big model must cost little: 64 × 64 pixels still pass every layer.
CPU_WARM_UP_PIXELS = 128 * 128
SMALL: Size = (64, 64)
WARM_UP = "warm-up"
#: Frames of the film that warms a GPU up: enough that convolutions over time have a past.
WARM_UP_FRAMES = 17
#: Kinds of models, which attention kernels are chosen for.
PICTURES, FILMS = "pictures", "films"

PictureModel: TypeAlias = tuple[PictureSpec, Source]
FilmModel: TypeAlias = tuple[FilmSpec, Source]


class Model:
    """A model for pictures, one for films, or both, on one device."""

    def __init__(
        self,
        picture: PictureModel | None,
        film: FilmModel | None = None,
        *,
        check: ImageCheckSpec | None = None,
        precision: Precision = Precision.AUTO,
        speed: SpeedOptions = SpeedOptions(),  # noqa: B008 (frozen)
        compiled: CompileChoice = CompileChoice(),  # noqa: B008 (frozen)
        baked: Path | None = None,
    ) -> None:
        """`check` looks at what they make. Raises `GenerationError` when one cannot be loaded."""
        self.device: Device = choose_device(precision)
        self._checked = Checked(ImageCheck(check, self.device) if check is not None else None)
        self._picture = picture[0] if picture is not None else None
        self._film = film[0] if film is not None else None
        texts = self._texts = TextCache(speed.text_cache_mebibytes)
        self._prepare = speed.prepare
        self._attention = AttentionChoice(speed.attention, self.device, speed.attention_cache)
        self._draw: Drawing | None = None
        self._shoot: Filming | None = None
        residency = None
        if self.device.is_gpu:
            residency = decide(
                free_memory(self.device), self._picture, self._film, self.device.precision
            )
        if picture is not None:
            limit_threads(picture[0].cpu_threads)
            pipelines = load_pipelines(*picture, self.device)
            if residency is not None and residency.tiles_pictures:
                pipelines.text2img.vae.enable_tiling()
            self._draw = Drawing(picture[0], pipelines, self.device, texts=texts)
        if film is not None:
            limit_threads(film[0].cpu_threads)
            streams = residency is not None and residency.streams_text_encoder
            loaded = load_film_pipelines(*film, self.device, streams_text_encoder=streams)
            self._shoot = Filming(film[0], loaded, self.device, texts=texts)
        self.compiling: Compiling | None = None
        if compiled.mode is not CompileMode.OFF:
            # Compilers are imported where they are used only: a fifth of a second.
            from gpu_worker.engine.compiling.attaching import attach  # noqa: PLC0415

            sources = {it[0].name: it[1] for it in (picture, film) if it is not None}
            self.compiling = attach(
                compiled, self.device, self._draw, self._shoot, sources=sources, baked=baked
            )

    def warm_up(self) -> None:
        """Run every layer once, at the default size where that is cheap.

        The first job is then no slower than the next: kernels are chosen, threads and the
        allocator's pool are there. On a CPU a film is too dear for that.
        """
        if self._picture is not None:
            width, height = self._picture.default_size if self._is_quick else SMALL
            request = Text2ImgRequest(
                prompt="warm-up",
                width=width,
                height=height,
                num_inference_steps=1,
                refiner_inference_steps=1,
            )
            with self._attention.watching(PICTURES):
                self._run(EngineJob(job_id=WARM_UP, request=request, seed=0))
        if self._film is not None and self.device.is_gpu:
            film = Text2VideoRequest(
                prompt="warm-up", num_frames=WARM_UP_FRAMES, num_inference_steps=1
            )
            with self._attention.watching(FILMS):
                self._run(EngineJob(job_id=WARM_UP, request=film, seed=0))

    def prepare(self, upcoming: Upcoming) -> None:
        """From now on read the texts of those jobs in the steps of others, if that is wanted and of
        use here."""
        wanted = self._prepare is Prepare.ON or (
            self._prepare is Prepare.AUTO and self.device.is_gpu
        )
        if wanted and self._draw is not None and self._texts.keeps:
            preparing = Preparing(upcoming, self._texts, self._draw.read_ahead)
            self._draw.in_each_step(preparing.read_one)

    def time_batches(self) -> dict[int, float]:
        """Seconds of a denoising step by the pictures that it is for; empty where that is slow."""
        if self._picture is None or self._draw is None or not self._is_quick:
            return {}
        limit_threads(self._picture.cpu_threads)
        self._attention.use(PICTURES)
        return self._draw.time_steps()

    def generate(
        self,
        job: EngineJob,
        report: Callable[[EngineProgress], None],
        stop_if_asked: Callable[[], None],
        send_frames: Callable[[Frames], None],
    ) -> EngineResult:
        """Raises `GenerationError` for a task that no model here does, and for a result that is
        not allowed; some frames of such a film may have been sent.
        """
        if self.compiling is None:
            return self._generate(job, report, stop_if_asked, send_frames)
        # The film that warms up is shorter than any that people ask for.
        is_usual = job.job_id == WARM_UP and isinstance(job.request, ImageRequest)
        with self.compiling.job(is_warm_up=is_usual):
            stop_or_pass_on = _passing_on(stop_if_asked, self.compiling)
            return self._generate(job, report, stop_or_pass_on, send_frames)

    def _generate(
        self,
        job: EngineJob,
        report: Callable[[EngineProgress], None],
        stop_if_asked: Callable[[], None],
        send_frames: Callable[[Frames], None],
    ) -> EngineResult:
        if isinstance(job.request, ImageRequest):
            if self._picture is not None and self._draw is not None:
                limit_threads(self._picture.cpu_threads)
                self._attention.use(PICTURES)
                return self._checked.pictures(self._draw(job, report, stop_if_asked))
        elif self._film is not None and self._shoot is not None:
            limit_threads(self._film.cpu_threads)
            self._attention.use(FILMS)
            return self._shoot(job, report, stop_if_asked, self._checked.frames(send_frames))
        raise unsupported(job.request.task_type, served_tasks(self._picture, self._film))

    def draw_together(self, seats: Sequence[Seat]) -> None:
        """Pictures of several jobs in one batch; see `Drawing.together`."""
        if self._picture is None or self._draw is None:
            raise AssertionError("only jobs that a model here does are sent in batches")
        limit_threads(self._picture.cpu_threads)
        self._attention.use(PICTURES)
        checked = [self._checked.seat(it) for it in seats]
        if self.compiling is None:
            self._draw.together(checked)
            return
        with self.compiling.job():
            self._draw.together(
                [
                    replace(it, stop_if_asked=_passing_on(it.stop_if_asked, self.compiling))
                    for it in checked
                ]
            )

    def recover(self) -> bool:
        """After a failed job: give back what it held. False when the device is beyond use."""
        return clean_up(self.device)

    def memory_in_use(self) -> dict[str, int]:
        return memory_in_use(self.device)

    @property
    def _is_quick(self) -> bool:
        """A step at the default size takes no minute."""
        if self._picture is None:
            return False
        width, height = self._picture.default_size
        return self.device.is_gpu or width * height <= CPU_WARM_UP_PIXELS

    def _run(self, job: EngineJob) -> None:
        try:
            self.generate(job, lambda _: None, lambda: None, no_frames)
        except GenerationError as error:
            # One step makes a picture of nothing, which a check may take for anything.
            if error.code is not ErrorCode.CONTENT_REJECTED:
                raise


def _passing_on(stop_if_asked: Callable[[], None], compiling: Compiling) -> Callable[[], None]:
    """`stop_if_asked`, which also lets the compiler have its turn."""

    def stop_or_pass_on() -> None:
        stop_if_asked()
        compiling.between_steps()

    return stop_or_pass_on
