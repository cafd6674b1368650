"""What an operator can set of `python -m gpu_worker push` beside the worker's own settings."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu_worker.setting_forms import HIGHEST_PORT, Address, like

Audience = Annotated[
    str,
    AfterValidator(
        like(r"[!-~]{1,512}", "1 to 512 visible ASCII characters, as the subscription says them")
    ),
]
ServiceAccount = Annotated[
    str,
    AfterValidator(
        like(
            r"[a-z0-9][a-z0-9.-]*@[a-z0-9][a-z0-9.-]*\.gserviceaccount\.com",
            "a service account's address, like pusher@my-project.iam.gserviceaccount.com",
        )
    ),
]


class PushSettings(BaseSettings):
    """Environment variables are `EMBERFRAME_` + the upper-case name, unless an alias says other."""

    model_config = SettingsConfigDict(
        env_prefix="EMBERFRAME_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    #: Where requests come in; Cloud Run says it.
    port: Annotated[int, Field(ge=1, le=HIGHEST_PORT, validation_alias="PORT")] = 8080
    #: Whom the subscription's tokens are for, and whose they are; both, or nobody gets in.
    push_audience: Audience | None = None
    push_account: ServiceAccount | None = None
    #: Whoever reaches the port may push. For the emulator, which sends no token.
    push_unverified: bool = False
    #: As the worker's own settings have it.
    pubsub_emulator: Annotated[Address | None, Field(validation_alias="PUBSUB_EMULATOR_HOST")] = (
        None
    )

    @model_validator(mode="after")
    def _somebody_in_particular(self) -> Self:
        given = {
            "EMBERFRAME_PUSH_AUDIENCE": self.push_audience,
            "EMBERFRAME_PUSH_ACCOUNT": self.push_account,
        }
        if not self.push_unverified:
            lacking = [name for name, value in given.items() if value is None]
            if lacking:
                raise ValueError(
                    f"{' and '.join(lacking)} must be set: without the audience and the service "
                    "account of the push subscription anybody could push"
                )
            return self
        if self.pubsub_emulator is None:
            raise ValueError(
                "EMBERFRAME_PUSH_UNVERIFIED is true, without PUBSUB_EMULATOR_HOST: it is for the "
                "emulators only; set EMBERFRAME_PUSH_AUDIENCE and EMBERFRAME_PUSH_ACCOUNT instead"
            )
        set_ones = [name for name, value in given.items() if value is not None]
        if set_ones:
            raise ValueError(
                f"EMBERFRAME_PUSH_UNVERIFIED is true, and {' and '.join(set_ones)} set: it must be "
                "false, or they must not be set"
            )
        return self
