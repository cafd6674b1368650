"""What an engine process is told when it starts, as its supervisor writes it and as it reads it."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from typing import Self

from gpu_worker.engine.batching import ALONE, AUTO
from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.choice import ModelChoice
from gpu_worker.engine.compiling.choice import CompileChoice
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.speed_options import SpeedOptions
from gpu_worker.engine.start_choice import StartChoice


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    models: ModelChoice
    #: Looks at what they make.
    check: CheckChoice = field(default_factory=CheckChoice)
    start: StartChoice = field(default_factory=StartChoice)
    compiled: CompileChoice = field(default_factory=CompileChoice)
    precision: Precision = Precision.AUTO
    #: The same request gives the same bytes again, on the same device.
    deterministic: bool = False
    #: The most pictures of jobs that wait to be drawn together, 1 for none; None: as many as pay,
    #: which is tried out at the start.
    batch_rows: int | None = ALONE
    speed: SpeedOptions = field(default_factory=SpeedOptions)
    #: Log as JSON, not for a terminal.
    json_log: bool = False

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        ModelChoice.add_arguments(parser)
        CheckChoice.add_arguments(parser)
        SpeedOptions.add_arguments(parser)
        StartChoice.add_arguments(parser)
        CompileChoice.add_arguments(parser)
        parser.add_argument(
            "--precision", type=Precision, default=Precision.AUTO, choices=Precision
        )
        parser.add_argument("--deterministic", action="store_true", help="same request, same bytes")
        parser.add_argument(
            "--batch-rows", default=str(ALONE), help="pictures of several jobs at once, or auto"
        )
        parser.add_argument("--json-log", action="store_true", help="not for a terminal")

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(
            models=ModelChoice.of(options),
            check=CheckChoice.of(options),
            start=StartChoice.of(options),
            compiled=CompileChoice.of(options),
            precision=options.precision,
            deterministic=options.deterministic,
            batch_rows=None if options.batch_rows == AUTO else int(options.batch_rows),
            speed=SpeedOptions.of(options),
            json_log=options.json_log,
        )

    def arguments(self) -> list[str]:
        """What `of` reads."""
        return [
            *self.models.arguments(),
            *self.check.arguments(),
            *self.speed.arguments(),
            *self.start.arguments(),
            *self.compiled.arguments(),
            *("--precision", self.precision.value),
            *(["--deterministic"] if self.deterministic else []),
            *("--batch-rows", AUTO if self.batch_rows is None else str(self.batch_rows)),
            *(["--json-log"] if self.json_log else []),
        ]
