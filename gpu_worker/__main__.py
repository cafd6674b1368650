"""The container's ways to run: services of a deployment, and `once` tries one request here."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from gpu_worker.engine.baking.arguments import add_arguments as add_bake_arguments
from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import NO_MODEL
from gpu_worker.engine.start_choice import BAKED_DIR, StartChoice
from gpu_worker.media.film_codec import (
    MAX_CRF,
    FilmCodec,
    FilmOptions,
    NoEncoder,
    check_encoder,
)
from gpu_worker.model_cache import honour_old_variable
from gpu_worker.runpod_arguments import add_arguments as add_runpod_arguments
from shared.json_log import log_json

#: The ways to serve a deployment; `gpu_worker/{name}.py` has its `run_{name}`.
SERVICES = {
    "pull": "pull from Pub/Sub until SIGTERM",
    "push": "answer Pub/Sub's push requests until SIGTERM",
    "runpod": "take the jobs of a RunPod serverless endpoint",
}
#: Those that can do without a project of Google's.
WITHOUT_PROJECT = {"runpod"}
BAKED_VARIABLE = "EMBERFRAME_BAKED_DIR"
#: Imported when it is asked for: nothing else of the supervisor's side may import torch.
BAKING = "gpu_worker.engine.baking.__main__"
LORAS_VARIABLE = "EMBERFRAME_LORAS"
PROJECT_VARIABLE = "GOOGLE_CLOUD_PROJECT"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gpu_worker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, description in SERVICES.items():
        service = commands.add_parser(name, help=f"{description} (settings: EMBERFRAME_*)")
        if name == "runpod":
            add_runpod_arguments(service)
    once = commands.add_parser("once", help="run one request without Firebase")
    once.add_argument("request", type=Path, help='a JSON file: {"input": {"prompt": …}}')
    once.add_argument("--out", type=Path, required=True, help="directory for the files")
    once.add_argument("--model", default="shapes", help="a name of the table of picture models")
    once.add_argument("--model-dir", type=Path, help="load the model from this directory")
    once.add_argument(
        "--film-model", help="a name of the table of film models (default: the model's partner)"
    )
    once.add_argument("--film-model-dir", type=Path, help="load that from this directory")
    once.add_argument(
        "--loras",
        type=Path,
        default=os.environ.get(LORAS_VARIABLE) or None,
        help=f"a registry of LoRAs (default: {LORAS_VARIABLE})",
    )
    once.add_argument(
        "--precision",
        choices=[it.value for it in Precision],
        default="auto",
        help="of the model's numbers",
    )
    once.add_argument(
        "--film-codec", choices=[it.value for it in FilmCodec], default="h264", help="of a film"
    )
    once.add_argument(
        "--film-crf", type=_crf, help=f"its quality, 1 to {MAX_CRF}: smaller is better and bigger"
    )
    once.add_argument(
        "--film-preview", action="store_true", help="make a small animated WebP of a film too"
    )
    once.add_argument(
        "--deterministic", action="store_true", help="the same request gives the same bytes again"
    )
    CheckChoice.add_arguments(once)
    StartChoice.add_arguments(once)
    once.set_defaults(baked_dir=Path(os.environ.get(BAKED_VARIABLE) or BAKED_DIR))
    add_bake_arguments(commands.add_parser("bake", help="fill a folder or an image with models"))
    arguments = parser.parse_args()
    honour_old_variable(os.environ)
    if arguments.command == "bake":
        bake: Callable[[argparse.Namespace], int] = importlib.import_module(BAKING).run_bake
        return bake(arguments)
    if arguments.command == "once":
        # Imported here: neither way of running pays for the other's libraries.
        from gpu_worker.once import run_once  # noqa: PLC0415

        return run_once(
            arguments.request,
            arguments.out,
            model=arguments.model,
            model_dir=arguments.model_dir,
            film_model=arguments.film_model,
            film_model_dir=arguments.film_model_dir,
            check=CheckChoice.of(arguments),
            start=StartChoice.of(arguments),
            registry=arguments.loras,
            precision=Precision(arguments.precision),
            deterministic=arguments.deterministic,
            films=FilmOptions(
                codec=FilmCodec(arguments.film_codec),
                crf=arguments.film_crf,
                preview=arguments.film_preview,
            ),
        )
    return _serve(arguments.command)


def _crf(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MAX_CRF:
        raise argparse.ArgumentTypeError(f"it is {value}; it must be from 1 to {MAX_CRF}")
    return value


def _serve(service: str) -> int:
    from gpu_worker.credentials import (  # noqa: PLC0415
        NoCredentials,
        check_credentials,
        install_key,
    )
    from gpu_worker.lora_registry import RegistryFault, offered_loras  # noqa: PLC0415
    from gpu_worker.loras import Loras  # noqa: PLC0415
    from gpu_worker.setting_faults import tell_faults  # noqa: PLC0415
    from gpu_worker.settings import Settings, WorkerSettings  # noqa: PLC0415
    from gpu_worker.store_settings import StoreSettings  # noqa: PLC0415
    from gpu_worker.store_trial import try_store  # noqa: PLC0415
    from gpu_worker.stores import StoreFault, check_store  # noqa: PLC0415

    alone = service in WITHOUT_PROJECT and not os.environ.get(PROJECT_VARIABLE)
    try:
        settings = WorkerSettings() if alone else Settings()
        store = StoreSettings()
    except ValidationError as error:
        tell_faults(error)
        return 2
    try:
        install_key(os.environ)
        if isinstance(settings, Settings):
            if not settings.emulated:
                check_credentials()
            check_store(settings, store)
    except (NoCredentials, StoreFault) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        loras = offered_loras(
            settings.loras, settings.served_image_model, model_dir=settings.model_dir
        )
    except RegistryFault as fault:
        print(fault, file=sys.stderr)
        return 2
    try:
        if settings.served_film_model != NO_MODEL:
            check_encoder(settings.film_codec)
    except NoEncoder as error:
        print(f"EMBERFRAME_FILM_CODEC is '{settings.film_codec}': {error}", file=sys.stderr)
        return 2
    log_json(settings.log_level)
    try:
        if not alone:
            try_store(store)
    except StoreFault as error:
        print(error, file=sys.stderr)
        return 2
    run: Callable[[WorkerSettings, Loras], int] = getattr(
        importlib.import_module(f"gpu_worker.{service}"), f"run_{service}"
    )
    return run(settings, loras)


if __name__ == "__main__":
    sys.exit(main())
