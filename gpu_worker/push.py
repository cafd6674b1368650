"""`python -m gpu_worker push`: answers Pub/Sub's push requests over HTTP until a signal.

Pictures only: a push request ends after 600 s at the latest, and a film may take longer.
"""

import sys
from contextlib import ExitStack
from functools import partial

from pydantic import ValidationError

from gpu_worker.adapters.push_tokens import PubSubTokens
from gpu_worker.adapters.signing_keys import SigningKeys
from gpu_worker.engine.specs import NO_MODEL
from gpu_worker.health import HealthFile
from gpu_worker.intake.http_server import listen
from gpu_worker.intake.push import PushIntake
from gpu_worker.intake.push_sender import Anybody, PushSender
from gpu_worker.intake.push_service import PushService
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.loras import Loras
from gpu_worker.pulse import Pulse
from gpu_worker.push_settings import PushSettings
from gpu_worker.running import run_until_signal
from gpu_worker.setting_faults import tell_faults
from gpu_worker.settings import Settings
from gpu_worker.tasks import Tasks
from shared.clock import SystemClock


def run_push(settings: Settings, loras: Loras) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine or the server failed, with 2
    for a setting that is wrong. `loras` are those that requests may name.
    """
    try:
        push = PushSettings()
        settings = _for_pictures(settings)
        listener = listen(push.port)
    except ValidationError as error:
        tell_faults(error)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"PORT is {push.port}: it must be a free port ({error.strerror})", file=sys.stderr)
        return 2
    health = HealthFile(settings.health_file)

    def make_intake(runner: GenerationRunner, pulse: Pulse, parts: ExitStack) -> PushIntake:
        service = PushService(runner, _sender(push), health, slots=settings.slots)
        on_tick = partial(pulse.beat, "http")
        return parts.enter_context(PushIntake(service, listener, on_tick=on_tick))

    return run_until_signal(settings, loras, make_intake, intake="push", health=health)


def _for_pictures(settings: Settings) -> Settings:
    """Raises `ValueError` with a sentence when other tasks were asked for."""
    if "tasks" in settings.model_fields_set and settings.tasks is not Tasks.IMAGE:
        raise ValueError(
            f"EMBERFRAME_TASKS is {settings.tasks.value!r}: for push it must be 'image', or not "
            "set: its requests end after 600 s at the latest, and films are for workers that pull"
        )
    if settings.image_model == NO_MODEL:
        raise ValueError(
            f"EMBERFRAME_IMAGE_MODEL is {NO_MODEL!r}: for push, which takes pictures only, it "
            "must name a model"
        )
    return settings.model_copy(update={"tasks": Tasks.IMAGE})


def _sender(push: PushSettings) -> PushSender:
    if push.push_audience is None or push.push_account is None:
        return Anybody()  # which the settings allow beside the emulators only
    keys = SigningKeys(SystemClock())
    return PubSubTokens(keys, audience=push.push_audience, account=push.push_account)
