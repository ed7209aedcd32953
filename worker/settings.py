"""Configuration, from ``CHAIRTIME_WORKER_*`` variables and a ``.env`` file (README.md has the table)."""

from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.errors import SettingsError
from worker.schedule import OFF, parse_cron
from worker.senders.web import presets

PREFIX = "CHAIRTIME_WORKER_"


def _checked_schedule(expression: str) -> str:
    if expression != OFF:
        parse_cron(expression)
    return expression


def _checked_preset(name: str) -> str:
    if name not in presets():
        raise ValueError(f"none of {', '.join(presets())}")
    return name


def _checked_address(text: str) -> str:
    try:
        Address(addr_spec=text)
        text.encode("ascii")
    except (ValueError, IndexError, MessageError):
        raise ValueError("an address alone, as visits@example.org") from None
    return text


Schedule = Annotated[str, AfterValidator(_checked_schedule)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


def _or_supabase(name: str, supabase_name: str) -> AliasChoices:
    """Let one ``SUPABASE_*`` variable serve every tool, and the worker's own win over it."""
    return AliasChoices(PREFIX + name, supabase_name)


class Settings(BaseSettings):
    """Everything an operator can turn. Times are seconds unless they say; schedules are cron, UTC."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,  # a variable that is there and empty is not set
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(
        min_length=1, validation_alias=_or_supabase("DATABASE_URL", "SUPABASE_DB_URL")
    )
    pool_size: Annotated[int, Field(ge=4)] = 12

    http_host: str = "0.0.0.0"  # noqa: S104 - a metrics port is there to be scraped from outside
    http_port: Annotated[int, Field(ge=0, le=65535)] = 9464
    snapshot_max_age: Annotated[float, Field(ge=0)] = 5

    migrations_dir: Path = Path("supabase/migrations")  # compared with what the database was built from

    lease_lifetime: Seconds = 3
    lease_interval: Seconds = 0.5

    schedule_expire_reservations: Schedule = "* * * * *"
    schedule_maintain_partitions: Schedule = "7 * * * *"
    schedule_purge_idempotency_keys: Schedule = "*/15 * * * *"
    schedule_purge_slot_offers: Schedule = "5-59/15 * * * *"
    schedule_refresh_daily_metrics: Schedule = "* * * * *"
    schedule_verify_invariants: Schedule = "*/10 * * * *"
    schedule_flag_no_shows: Schedule = OFF
    schedule_apply_retention: Schedule = "37 3 * * *"
    schedule_sweep_messages: Schedule = "47 * * * *"
    schedule_ask_recalls: Schedule = "*/5 * * * *"

    event_retention: timedelta = timedelta(days=90)
    idempotency_retention: timedelta = timedelta(hours=24)
    no_show_grace: timedelta = timedelta(hours=1)

    expiry_poll: Seconds = 0.25
    retry_first: Seconds = 0.5
    retry_longest: Seconds = 30
    retry_for: Annotated[float, Field(ge=0)] = 60
    shutdown_grace: Seconds = 8

    tail_interval: Seconds = 0.5
    tail_batch: Count = 1000

    supabase_url: str | None = Field(
        default=None, validation_alias=_or_supabase("SUPABASE_URL", "SUPABASE_URL")
    )
    supabase_key: SecretStr | None = Field(
        default=None, validation_alias=_or_supabase("SUPABASE_KEY", "SUPABASE_PUBLISHABLE_KEY")
    )
    probe_topics: Annotated[int, Field(ge=0, le=100)] = 20
    probe_patience: Seconds = 10

    site_url: str | None = None  # where the web app is: links in messages lead there

    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(gt=0, le=65535)] = 587
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None

    email_url: str | None = None
    email_from: Annotated[str, AfterValidator(_checked_address)] | None = None
    email_secret: SecretStr | None = None
    email_repeatable: bool | None = None

    sms_preset: Annotated[str, AfterValidator(_checked_preset)] = "chairtime"
    sms_url: str | None = None
    sms_from: str | None = None
    sms_account: str | None = None
    sms_secret: SecretStr | None = None
    sms_repeatable: bool | None = None

    replies_secret: SecretStr | None = None

    message_rate: Annotated[float, Field(gt=0, le=10_000)] = 10
    message_senders: Annotated[int, Field(gt=0, le=100)] = 8
    message_lease: Annotated[float, Field(ge=2, le=600)] = 30
    message_timeout: Seconds = 10
    message_poll: Seconds = 1

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Read the environment. Raises SettingsError with one line a problem, never with a value."""
        try:
            return cls(**overrides)  # type: ignore[arg-type]  # pydantic checks them
        except ValidationError as error:
            raise SettingsError("; ".join(_explain(problem) for problem in error.errors())) from None

    def schedule_of(self, job: str) -> str:
        """Return the cron expression of a job, or ``off``."""
        return str(getattr(self, f"schedule_{job}"))


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's shape, for the type checker
    name = str(problem["loc"][0]).removeprefix(PREFIX).upper()
    return f"{PREFIX}{name}: {problem['msg']}"
