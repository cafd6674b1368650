"""Everything an operator can set, read from the environment once, at the start."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu_worker.adapters.engine_watchdog import EngineBounds
from gpu_worker.engine.batching import ALONE, SLOTS_FOR_BATCHES
from gpu_worker.engine.checking_spec import AUTO_CHECK, CheckChoice
from gpu_worker.engine.compiling.choice import CompileChoice, CompileMode
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import NO_MODEL, film_partner_of
from gpu_worker.engine.speed_options import (
    DEFAULT_TEXT_CACHE_MEBIBYTES,
    Attention,
    Prepare,
    SpeedOptions,
)
from gpu_worker.engine.start_choice import BAKED_DIR, StartChoice
from gpu_worker.media.film_codec import CODECS, MAX_CRF, FilmCodec, FilmOptions
from gpu_worker.setting_forms import (
    HIGHEST_PORT,
    Address,
    BatchRows,
    BucketName,
    CheckName,
    CheckpointFolder,
    FilmModelName,
    HostNames,
    ModelName,
    ProjectId,
    SubscriptionName,
    TermList,
    TransformersFolder,
    WebAddress,
)
from gpu_worker.tasks import Tasks
from gpu_worker.time_limits import FILM_SECONDS, IMAGE_SECONDS, TimeLimits
from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.kinds import Kind
from shared.lease import MAX_LEASE_SECONDS
from shared.paths import IMAGE_SUBSCRIPTION, VIDEO_SUBSCRIPTION
from shared.request import DEFAULT_MAX_IMAGES, MAX_IMAGES


class WorkerSettings(BaseSettings):
    """Of every worker, one without a project of Google's too. Environment variables are
    `EMBERFRAME_` + the upper-case name, unless an alias says other."""

    model_config = SettingsConfigDict(
        env_prefix="EMBERFRAME_",
        # `NAME=` in a compose file or a manifest means "not set".
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    #: The Google Cloud project of Firestore, Pub/Sub and Storage.
    project: Annotated[ProjectId | None, Field(validation_alias="GOOGLE_CLOUD_PROJECT")] = None
    #: The bucket of Firebase Storage; Firebase's own name for it when not set.
    bucket: BucketName | None = None
    #: `host:port` of the emulators, all three or none.
    firestore_emulator: Annotated[
        Address | None, Field(validation_alias="FIRESTORE_EMULATOR_HOST")
    ] = None
    pubsub_emulator: Annotated[Address | None, Field(validation_alias="PUBSUB_EMULATOR_HOST")] = (
        None
    )
    #: `http://host:port` of the Storage emulator, which serves the download URLs too.
    storage_emulator: Annotated[
        WebAddress | None, Field(validation_alias="STORAGE_EMULATOR_HOST")
    ] = None
    #: Pictures, films or both: a worker loads no model for the others and leaves their messages to
    #: the workers that take them.
    tasks: Tasks = Tasks.BOTH
    #: A name of the table of picture models, or `none`.
    image_model: ModelName = "sdxl"
    #: A directory to load the model from, in place of the model hub.
    model_dir: CheckpointFolder | None = None
    #: Likewise for films; the partner of the image model when not set.
    film_model: FilmModelName | None = None
    film_model_dir: CheckpointFolder | None = None
    #: What the worker that this one follows calls it: false turns films off.
    download_wan2_model: Annotated[bool, Field(validation_alias="DOWNLOAD_WAN2_MODEL")] = True
    #: What looks at pictures and films before they are stored: a name of the table of checks.
    image_check: CheckName = AUTO_CHECK
    #: A directory to load it from, in place of the model hub.
    image_check_dir: TransformersFolder | None = None
    #: From which probability on it refuses; the check's own when not set.
    image_check_threshold: Annotated[float | None, Field(gt=0, le=1)] = None
    #: Where `bake` has put models, if it has: they are preferred to the hub's.
    baked_dir: Path = BAKED_DIR
    #: Compile the models while eager ones serve.
    compile: CompileMode = CompileMode.OFF
    #: Where what that made is kept for the next start. What lies there runs as code.
    compile_cache_dir: Path | None = None
    #: A registry of LoRAs (TOML) that requests may name.
    loras: Path | None = None
    #: Of the model's numbers; `auto` is the fastest that the device is good at.
    precision: Precision = Precision.AUTO
    #: The same request gives the same bytes again, at some cost.
    deterministic: bool = False
    #: Which of torch's attention kernels; `auto` tries those that a GPU has.
    attention: Attention = Attention.AUTO
    #: A folder that keeps what was found, for the next start.
    attention_cache_dir: Path | None = None
    #: MiB of the device's memory for what the text encoders made of texts; 0 keeps nothing.
    text_cache: Annotated[int, Field(ge=0, le=4096)] = DEFAULT_TEXT_CACHE_MEBIBYTES
    #: Read the texts of jobs that wait while another one is drawn; `auto`: on a GPU.
    prepare: Prepare = Prepare.AUTO
    image_subscription: SubscriptionName = IMAGE_SUBSCRIPTION
    video_subscription: SubscriptionName = VIDEO_SUBSCRIPTION
    #: The most `num_images` that a request may ask for. The functions read the same variable.
    max_images: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = DEFAULT_MAX_IMAGES
    #: Words that prompts must not have, between commas; `none` for no such words. Likewise.
    blocked_terms: TermList | None = None
    #: Hosts from which input images are fetched over https; none unless the operator names some.
    image_hosts: HostNames = ()
    #: Write prompt and parameters into the files of pictures and films, as such tools do.
    embed_metadata: bool = True
    #: How films are compressed.
    film_codec: FilmCodec = FilmCodec.H264
    #: Their quality: smaller is better and bigger. The codec's own default when not set.
    film_crf: Annotated[int, Field(ge=1, le=MAX_CRF)] | None = None
    #: How long the encoder may look for a smaller file, as it calls it itself. Likewise.
    film_preset: str | None = None
    #: Store a small animated WebP beside each film.
    film_preview: bool = False
    #: The most pictures of jobs that wait in line to be drawn together; `auto` is as many as pay,
    #: which a trial at the start says, `off` is each job for itself.
    batch_rows: BatchRows = None
    #: Jobs in hand that need the engine: one in it, the others being prepared.
    slots: Annotated[int, Field(ge=1, le=16)] = 2
    #: Seconds until an engine that does not become ready is given up; SDXL is 7 GB to read, Wan 29.
    engine_start_timeout: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    #: Seconds that an engine may work without getting on before it is taken for hung and replaced.
    engine_stall_timeout: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    #: Seconds that a job which is told to stop may take to do so, before its engine is replaced.
    engine_stop_timeout: Annotated[float, Field(ge=5, le=86_400)] = 30.0
    #: Seconds that the engine may work on a generation, of pictures and of a film. It may be less
    #: than `engine_stall_timeout`: at the limit a stuck engine is told from a slow one too.
    image_time_limit: Annotated[float, Field(ge=1, le=86_400)] = IMAGE_SECONDS
    film_time_limit: Annotated[float, Field(ge=1, le=86_400)] = FILM_SECONDS
    #: Seconds a claim lasts without a heartbeat.
    lease_seconds: Annotated[float, Field(ge=10, le=MAX_LEASE_SECONDS)] = 30.0
    #: Where the worker says `starting`, `ready` or `draining`, as JSON.
    health_file: Path | None = None
    #: Where it answers `/alive` and `/ready` over HTTP.
    health_port: Annotated[int | None, Field(ge=1, le=HIGHEST_PORT)] = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _all_emulators_or_none(self) -> Self:
        hosts = {
            "FIRESTORE_EMULATOR_HOST": self.firestore_emulator,
            "PUBSUB_EMULATOR_HOST": self.pubsub_emulator,
            "STORAGE_EMULATOR_HOST": self.storage_emulator,
        }
        given = [f"{name} is {host!r}" for name, host in hosts.items() if host]
        lacking = [name for name, host in hosts.items() if not host]
        if given and lacking:
            # What comes from a test would be written to production, or the other way round.
            raise ValueError(
                f"{' and '.join(given)}, without {' and '.join(lacking)}: "
                "all three emulators must be set, or none"
            )
        return self

    @model_validator(mode="after")
    def _some_model(self) -> Self:
        if not self.download_wan2_model and self.film_model not in (None, NO_MODEL):
            raise ValueError(
                f"DOWNLOAD_WAN2_MODEL is false, and EMBERFRAME_FILM_MODEL is {self.film_model!r}: "
                "the first turns films off, so the second must be none or not set"
            )
        if self.served_image_model == self.served_film_model == NO_MODEL:
            raise ValueError(
                "there is neither a model for pictures nor one for films: EMBERFRAME_IMAGE_MODEL "
                "must name one, or EMBERFRAME_FILM_MODEL, for what EMBERFRAME_TASKS, which is "
                f"{self.tasks.value!r}, has the worker take"
            )
        return self

    @model_validator(mode="after")
    def _preset_of_the_codec(self) -> Self:
        presets = CODECS[self.film_codec].presets
        if self.film_preset is not None and self.film_preset not in presets:
            raise ValueError(
                f"EMBERFRAME_FILM_PRESET is {self.film_preset!r}: for {self.film_codec.value} it "
                f"must be one of {', '.join(presets)}"
            )
        return self

    @property
    def served_image_model(self) -> str:
        """A name of the table of picture models, or NO_MODEL."""
        return NO_MODEL if self.tasks is Tasks.VIDEO else self.image_model

    @property
    def served_film_model(self) -> str:
        """A name of the table of film models, or NO_MODEL."""
        if not self.download_wan2_model or self.tasks is Tasks.IMAGE:
            return NO_MODEL
        return self.film_model or film_partner_of(self.image_model)

    @property
    def served_kinds(self) -> tuple[Kind, ...]:
        """Of which there is a model."""
        models = {Kind.IMAGE: self.served_image_model, Kind.VIDEO: self.served_film_model}
        return tuple(kind for kind, model in models.items() if model != NO_MODEL)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Those that this worker pulls from. A worker for both takes what it has no model for too,
        to refuse it with a sentence: nobody else may be there."""
        by_tasks = {
            Tasks.IMAGE: (self.image_subscription,),
            Tasks.VIDEO: (self.video_subscription,),
            Tasks.BOTH: (self.image_subscription, self.video_subscription),
        }
        return by_tasks[self.tasks]

    @property
    def check(self) -> CheckChoice:
        return CheckChoice(
            name=self.image_check,
            folder=self.image_check_dir,
            threshold=self.image_check_threshold,
        )

    @property
    def speed(self) -> SpeedOptions:
        return SpeedOptions(
            text_cache_mebibytes=self.text_cache,
            prepare=self.prepare,
            attention=self.attention,
            attention_cache=self.attention_cache_dir,
        )

    @property
    def start(self) -> StartChoice:
        return StartChoice(baked=self.baked_dir)

    @property
    def compiled(self) -> CompileChoice:
        """Off where results are to be the same bytes again: eager and compiled ones differ."""
        mode = CompileMode.OFF if self.deterministic else self.compile
        return CompileChoice(mode=mode, cache=self.compile_cache_dir)

    @property
    def admission(self) -> Admission:
        return Admission(max_images=self.max_images, prompts=BlockedTerms.parse(self.blocked_terms))

    @property
    def emulated(self) -> bool:
        """Whether this worker talks to emulators; else it talks to Google."""
        return self.firestore_emulator is not None

    @property
    def engine_batch_rows(self) -> int | None:
        """With one slot more than the engine works on nobody waits to be taken along, and the trial
        of `auto` would be for nothing."""
        return ALONE if self.slots < SLOTS_FOR_BATCHES else self.batch_rows

    @property
    def films(self) -> FilmOptions:
        return FilmOptions(
            codec=self.film_codec,
            crf=self.film_crf,
            preset=self.film_preset,
            preview=self.film_preview,
        )

    @property
    def time_limits(self) -> TimeLimits:
        return TimeLimits(image_seconds=self.image_time_limit, film_seconds=self.film_time_limit)

    @property
    def engine_bounds(self) -> EngineBounds:
        return EngineBounds(
            start_seconds=self.engine_start_timeout,
            still_seconds=self.engine_stall_timeout,
            stop_seconds=self.engine_stop_timeout,
        )


class Settings(WorkerSettings):
    """Of a worker with a deployment around it."""

    project: Annotated[ProjectId, Field(validation_alias="GOOGLE_CLOUD_PROJECT")]

    @property
    def bucket_name(self) -> str:
        return self.bucket or f"{self.project}.firebasestorage.app"
