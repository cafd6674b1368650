"""`python -m gpu_worker pull`: takes messages from Pub/Sub subscriptions until a signal."""

from contextlib import ExitStack

from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.loras import Loras
from gpu_worker.pulse import Pulse
from gpu_worker.running import run_until_signal
from gpu_worker.settings import Settings


def run_pull(settings: Settings, loras: Loras) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine or the pull failed.

    `loras` are those that requests may name.
    """

    def make_intake(runner: GenerationRunner, pulse: Pulse, parts: ExitStack) -> PullIntake:
        subscriber = parts.enter_context(subscriber_client(settings.pubsub_emulator))
        intake = PullIntake(
            subscriber,
            [
                subscriber.subscription_path(settings.project, name)
                for name in settings.subscriptions
            ],
            runner,
            slots=settings.slots,
            on_tick=pulse.beat,
            outlook=runner,
        )
        runner.listen(intake.look)
        return intake

    return run_until_signal(settings, loras, make_intake, intake="pull")
