"""`python -m gpu_worker once REQUEST.json --out DIR`: one request, the real engine, no cloud.

Reads `{"input": {…}}`, writes the pictures or the film into the folder and prints the seed's result
shape, with paths in the place of URLs. `image_url` and `mask_url` may be paths from the request
file's folder.
Progress and faults go to stderr.
"""

import base64
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.input_images import InlineImages
from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import NO_MODEL, PICTURE_TASKS, film_partner_of, unsupported
from gpu_worker.engine.start_choice import StartChoice
from gpu_worker.lora_registry import RegistryFault, offered_loras
from gpu_worker.loras import Loras
from gpu_worker.media.film_codec import FilmOptions, NoEncoder, check_encoder
from gpu_worker.media.inputs import fetch_inputs
from gpu_worker.once_output import make_output
from gpu_worker.ports import (
    Engine,
    EngineJob,
    EngineProgress,
    EngineResult,
    EngineUnavailable,
    Frames,
)
from shared.errors import GenerationError, InvalidInput
from shared.parse import parse_request
from shared.request import MAX_IMAGES, MAX_SEED, URL_SCHEMES, GenerationRequest, ImageRequest

#: Parameters of a request that refer to a picture.
ADDRESSES = ("image_url", "mask_url")
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
#: A hub download of the full model may come first.
LOAD_TIMEOUT_SECONDS = 3600.0


def run_once(
    request_file: Path,
    out: Path,
    *,
    model: str,
    model_dir: Path | None = None,
    film_model: str | None = None,
    film_model_dir: Path | None = None,
    check: CheckChoice = CheckChoice(),  # noqa: B008 (frozen)
    start: StartChoice = StartChoice(),  # noqa: B008 (frozen)
    registry: Path | None = None,
    precision: Precision = Precision.AUTO,
    deterministic: bool = False,
    films: FilmOptions | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Returns the command's exit code: 0, or one of the EXIT_ constants after a sentence on stderr.

    `registry` is a file of LoRAs. `film_model` is the partner of `model` when it is not given; only
    the model that the request needs is loaded. Files are called
    `{name of the request file}-{seed}.{png, jpg, webp or mp4}`, a film's poster `….poster.webp`.
    """
    films = films or FilmOptions()
    stdout, stderr = stdout or sys.stdout, stderr or sys.stderr
    try:
        request = read_request(request_file)
        if film_model == NO_MODEL and not isinstance(request, ImageRequest):
            raise unsupported(request.task_type, PICTURE_TASKS)
        if not isinstance(request, ImageRequest):
            check_encoder(films.codec)
        job = _prepare(request, offered_loras(registry, model, model_dir=model_dir))
    except (RegistryFault, NoEncoder) as fault:
        print(fault, file=stderr)
        return EXIT_BAD_INPUT
    except GenerationError as error:
        print(error.message, file=stderr)
        return EXIT_BAD_INPUT if isinstance(error, InvalidInput) else EXIT_FAILED
    if isinstance(request, ImageRequest):
        engine = EngineProcess(
            model,
            model_dir=model_dir,
            check=check,
            start=start,
            precision=precision,
            deterministic=deterministic,
        )
    else:
        engine = EngineProcess(
            NO_MODEL,
            film_model=film_model or film_partner_of(model),
            film_model_dir=film_model_dir,
            check=check,
            start=start,
            precision=precision,
            deterministic=deterministic,
        )
    try:
        output = make_output(
            lambda on_frames: _generate(engine, job, stderr, on_frames),
            request,
            films,
            out,
            request_file.stem,
        )
    except (GenerationError, EngineUnavailable, OSError) as error:
        print(getattr(error, "message", error), file=stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=stderr)
        return EXIT_INTERRUPTED
    finally:
        engine.close()
    print(json.dumps(output, indent=2, ensure_ascii=False), file=stdout)
    return 0


def read_request(request_file: Path) -> GenerationRequest:
    """Raises `InvalidInput` when there is no such file, or no valid request in it."""
    try:
        body = json.loads(request_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{request_file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{request_file} is not JSON: {error}.") from None
    if not isinstance(body, dict) or "input" not in body:
        raise InvalidInput(f'{request_file} must hold an object of the form {{"input": {{…}}}}.')
    given = body["input"]
    if isinstance(given, dict):
        given = {name: _inlined(name, value, request_file.parent) for name, value in given.items()}
    return parse_request(given, max_images=MAX_IMAGES)


def _inlined(name: str, value: object, folder: Path) -> object:
    """The file at a path as the data URL that the contract knows; anything else as it is."""
    if name not in ADDRESSES or not isinstance(value, str) or value.startswith(URL_SCHEMES):
        return value
    try:
        data = (folder / value).read_bytes()
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        reason = getattr(error, "strerror", None) or "it is no path"
        raise InvalidInput(f"{name} is {value[:60]!r}, which cannot be read: {reason}.") from None
    return "data:image/file;base64," + base64.b64encode(data).decode()


def _prepare(request: GenerationRequest, loras: Loras) -> EngineJob:
    found = loras.find(request)
    seed = request.seed if request.seed is not None else secrets.randbelow(MAX_SEED)
    inputs = fetch_inputs(request, InlineImages(), uid=None)
    return EngineJob(
        job_id="once",
        request=request,
        seed=seed,
        image=inputs.image,
        mask=inputs.mask,
        loras=found,
        few_steps=loras.few_steps(request),
    )


def _generate(
    engine: Engine, job: EngineJob, stderr: TextIO, on_frames: Callable[[Frames], None]
) -> EngineResult:
    def show(progress: EngineProgress) -> None:
        print(f"{progress.stage} {progress.step}/{progress.total_steps}", file=stderr, flush=True)

    print("loading the model", file=stderr, flush=True)
    info = engine.wait_ready(LOAD_TIMEOUT_SECONDS)
    name = ", ".join(info.models)
    how = f"{info.precision}, deterministic" if info.deterministic else info.precision
    print(
        f"{name} on {info.device_name}, {how}, {info.load_seconds:.1f} s", file=stderr, flush=True
    )
    return engine.run(job, show, on_frames)
