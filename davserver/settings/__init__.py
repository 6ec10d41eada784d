"""Settings: a TOML file and the environment (``DAVSERVER_SECTION__KEY``), checked at start.

Times are seconds, sizes bytes. An unknown key, a wrong value or an unreadable file stops the start
with one sentence that names the place (:class:`BadSettings`).
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from davserver.settings import errors, forms

ENVIRONMENT = "DAVSERVER_"
GIGABYTE = 1_000_000_000


class BadSettings(Exception):
    """The settings cannot be used; the text says which file or variable, which key, and why."""


class Section(BaseModel):
    """A section: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """The listening server. ``address`` is the public URL used in mails and scripts.

    ``trusted_proxies``: addresses or networks of those who are believed about whom they speak for.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    workers: PositiveInt = 2
    threads: PositiveInt = 64
    certificate: Path | None = None
    private_key: Path | None = None
    address: Annotated[str, AfterValidator(forms.public_address)] = ""
    trusted_proxies: tuple[Annotated[forms.Network, BeforeValidator(forms.network)], ...] = ()
    max_header_bytes: PositiveInt = 32_768
    max_xml_bytes: PositiveInt = 262_144
    idle_timeout: NonNegativeFloat = 30
    shutdown_timeout: NonNegativeFloat = 20
    worker_memory: NonNegativeInt = 256_000_000
    idle_connections: PositiveInt = 2_000
    min_body_rate: NonNegativeFloat = 1_000
    connections_per_address: PositiveInt = 250
    requests_per_address: PositiveInt = 32


class StorageSettings(Section):
    """Where the rows and the bytes are kept. Empty values mean: inside ``data``."""

    data: Path = Path("data")
    database: Annotated[str, AfterValidator(forms.database)] = ""
    orphan_grace: NonNegativeFloat = 86_400

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL: SQLite in the data folder unless another one is set."""
        return self.database or f"sqlite:///{self.database_file}"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file in the data folder; None where another database is set."""
        return None if self.database else self.data / "davserver.sqlite"


class S3Settings(Section):
    """An S3 store for the pieces instead of the data folder, if ``bucket`` is set.

    ``endpoint`` is the URL of a store other than Amazon's; ``path_style`` puts the bucket into the
    path, as most of them want it. ``timeout``: seconds for one request.
    """

    bucket: str = ""
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = Field(default="", repr=False)
    path_style: bool = True
    timeout: PositiveFloat = 30


class DepositSettings(Section):
    """The times of a deposit (seconds); see docs/deposits.md."""

    quiet_locked: NonNegativeFloat = 20
    quiet_unlocked: NonNegativeFloat = 60
    held_lock: NonNegativeFloat = 600
    reservation: NonNegativeFloat = 3_600
    reservation_limit: NonNegativeFloat = 86_400
    courtesy_lock: NonNegativeFloat = 120
    replay: NonNegativeFloat = 86_400
    side_file_life: NonNegativeFloat = 86_400
    temporary_told: NonNegativeFloat = 600
    temporary_life: NonNegativeFloat = 7 * 86_400
    side_file_quota: PositiveInt = 2 * GIGABYTE
    folders: bool = True


class MailSettings(Section):
    """The SMTP server. An empty host keeps the mails in the queue. ``group_window``: seconds."""

    host: str = ""
    port: int = Field(default=25, ge=1, le=65535)
    sender: str = "davserver@localhost"
    security: str = Field(default="none", pattern="^(none|starttls|tls)$")
    username: str = ""
    password: str = Field(default="", repr=False)
    timeout: NonNegativeFloat = 30
    group_window: NonNegativeFloat = 600
    retry_first: NonNegativeFloat = 60
    retry_most: NonNegativeFloat = 3_600
    give_up_after: NonNegativeFloat = 3 * 86_400


class LoginSettings(Section):
    """How many wrong passwords are examined at once, and then one every so many seconds: for one
    account from one address, from one address for all accounts, for one account from everywhere."""

    guesses: PositiveInt = 5
    guess_every: NonNegativeFloat = 60
    address_guesses: PositiveInt = 30
    address_every: NonNegativeFloat = 30
    account_guesses: PositiveInt = 60
    account_every: NonNegativeFloat = 2


class AntivirusSettings(Section):
    """The scanner: ``unix:/path`` or ``host:port`` of a clamd; empty: contents are not inspected.

    ``timeout``: seconds that one inspection may last, ``answer_within`` while a client waits for
    it. ``max_bytes``: as much as the scanner reads of one file (its ``MaxFileSize``); what is
    larger is held. ``tell_after``: seconds without verdict after which people are told.
    """

    clamd: str = Field(default="", pattern=r"^$|^unix:/.+$|^.+:[0-9]{1,5}$")
    timeout: PositiveFloat = 300
    answer_within: PositiveFloat = 20
    max_bytes: PositiveInt = 104_857_600
    retry_first: PositiveFloat = 10
    retry_most: PositiveFloat = 300
    tell_after: NonNegativeFloat = 900

    @property
    def active(self) -> bool:
        """Whether contents are inspected."""
        return bool(self.clamd)


class LimitSettings(Section):
    """Sizes (bytes) of one file, a new platform, a new dossier; the locks that one account may
    hold."""

    file_bytes: PositiveInt = 20 * GIGABYTE
    platform_quota: PositiveInt = 10 * GIGABYTE
    dossier_quota: PositiveInt = 10 * GIGABYTE
    locks_per_user: PositiveInt = 1_000


class PolicySettings(BaseModel):
    """A third-party policy: ``use`` names its entry point, the other keys are its own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Settings(BaseSettings):
    """All settings of one site."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    server: ServerSettings = ServerSettings()
    storage: StorageSettings = StorageSettings()
    s3: S3Settings = S3Settings()
    deposit: DepositSettings = DepositSettings()
    login: LoginSettings = LoginSettings()
    mail: MailSettings = MailSettings()
    antivirus: AntivirusSettings = AntivirusSettings()
    limits: LimitSettings = LimitSettings()
    policy: tuple[PolicySettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (which arrives as arguments)."""
        return env_settings, init_settings


def load(config: Path | None = None, *, data: Path | None = None) -> Settings:
    """The settings of ``config`` (defaults without it), with the data folder ``data`` if given.

    A relative data folder in a file is relative to that file. Raises BadSettings.
    """
    values: dict[str, Any] = {}
    if config is not None:
        values = _read(config)
    _refuse_unknown_variables()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        source = str(config) if config else "environnement"
        raise BadSettings(errors.explained(error, source, ENVIRONMENT)) from None
    except SettingsError:
        raise BadSettings(errors.undecoded(ENVIRONMENT, Settings.model_fields)) from None
    storage = settings.storage
    if data is not None:
        storage = storage.model_copy(update={"data": data})
    elif config is not None:
        storage = storage.model_copy(update={"data": config.parent / storage.data})
    return settings.model_copy(update={"storage": storage})


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "ce n'est pas du texte UTF-8"
        raise BadSettings(f"{config} : lecture impossible ({reason}).") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{config} : ce n'est pas du TOML valable ({error}).") from None


def _refuse_unknown_variables() -> None:
    """A misspelt variable must stop the start, not be ignored."""
    for name in os.environ:
        section, _, key = name.removeprefix(ENVIRONMENT).partition("__")
        if name.startswith(ENVIRONMENT) and key and section.lower() not in Settings.model_fields:
            raise BadSettings(f"{name} : section « {section.lower()} » inconnue.")
