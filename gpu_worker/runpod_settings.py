"""What an operator can set of a RunPod serverless endpoint, beside what every worker reads."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

#: What RunPod takes through /run; through /runsync it is twice that.
RUN_BYTES = 10_000_000
RUNSYNC_BYTES = 20_000_000


class RunPodSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="EMBERFRAME_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    #: The most bytes of a job's input and of its answer, as JSON.
    runpod_max_payload: Annotated[int, Field(ge=100_000, le=RUNSYNC_BYTES)] = RUN_BYTES
