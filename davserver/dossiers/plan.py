"""The plan of a dossier: one TOML file that says who takes part and for whom.

See config/dossier.toml for a commented example. Unknown keys are refused: a misspelt line would
silently leave somebody out.
"""

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from davserver.accounts.naming import slug
from davserver.model import DossierState
from davserver.names import fault
from davserver.policy.rights import Rights, parse

PARIS = ZoneInfo("Europe/Paris")


class BadPlan(Exception):
    """The file does not describe a dossier; the text says which key, and why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Section):
    """An account by its login; with a name and an e-mail, one that is made if it is not there."""

    login: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    private: bool = False


class RepresentationPlan(Person):
    """A lawyer, or a party without one: gets a mailbox and an archive."""

    parties: tuple[str, ...] = ()
    box: str = ""


class SapiteurPlan(Person):
    """A sapiteur: gets a box of his own."""

    box: str = ""


class DossierPlan(_Section):
    """A whole dossier."""

    title: str
    reference: str = ""
    expert: str
    state: DossierState = DossierState.OPEN
    deadline: datetime | None = None
    quota: int | None = Field(default=None, gt=0)
    group: str = "Tous les participants"
    template: Path | None = None
    assistants: tuple[Person, ...] = ()
    advisers: tuple[Person, ...] = ()
    judges: tuple[Person, ...] = ()
    sapiteurs: tuple[SapiteurPlan, ...] = ()
    representations: tuple[RepresentationPlan, ...] = ()

    @field_validator("title")
    @classmethod
    def _title(cls, title: str) -> str:
        if why := fault(title):
            raise ValueError(f"ce titre ne peut pas être un nom de dossier : {why}")
        return title

    @field_validator("state", mode="before")
    @classmethod
    def _state(cls, state: object) -> object:
        found = parse_state(state) if isinstance(state, str) else state
        if found is DossierState.PURGED:
            raise ValueError("un dossier ne naît pas purgé")
        return found

    @field_validator("deadline")
    @classmethod
    def _deadline(cls, deadline: datetime | None) -> datetime | None:
        """A deadline without time zone is in Paris time, as the parties read it."""
        if deadline is None:
            return None
        return (deadline if deadline.tzinfo else deadline.replace(tzinfo=PARIS)).astimezone(UTC)


class FolderPlan(_Section):
    """A folder of the template, with the rights that differ from those above."""

    name: str
    role: str = Field(default="", pattern="^(|mailboxes|archives|sapiteurs)$")
    expert: Rights | None = None
    group: Rights | None = None
    assistant: Rights | None = None

    @field_validator("expert", "group", "assistant", mode="before")
    @classmethod
    def _rights(cls, value: object) -> object:
        return _parsed(value)


class Template(_Section):
    """The tree of a new dossier."""

    expert: Rights
    group: Rights
    assistant: Rights
    archive: tuple[str, ...]
    folder: tuple[FolderPlan, ...]

    @field_validator("expert", "group", "assistant", mode="before")
    @classmethod
    def _rights(cls, value: object) -> object:
        return _parsed(value)


def read_plan(file: Path) -> DossierPlan:
    """The plan in ``file``; its template is relative to it. Raises BadPlan."""
    try:
        plan = DossierPlan(**_read(file))
    except ValidationError as error:
        raise BadPlan(_explain(file, error)) from None
    if plan.template is None:
        return plan
    return plan.model_copy(update={"template": file.parent / plan.template})


def read_template(file: Path | None = None) -> Template:
    """The template in ``file``, else the one for an expertise. Raises BadPlan."""
    if file is None:
        return _usual_template()
    try:
        return Template(**_read(file))
    except ValidationError as error:
        raise BadPlan(_explain(file, error)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(f"{file} : lecture impossible ({error.strerror}).") from None
    except ValueError as error:
        raise BadPlan(f"{file} : ce n'est pas du TOML valable ({error}).") from None


def parse_state(word: str) -> DossierState:
    """A state from its French word, with or without accents. Raises ValueError naming the words."""
    states = {slug(state.value): state for state in DossierState}
    if slug(word) not in states:
        known = ", ".join(state.value for state in DossierState)
        raise ValueError(f"« {word} » n'est pas un état de dossier ({known})")
    return states[slug(word)]


@cache
def _usual_template() -> Template:
    text = files("davserver.dossiers").joinpath("expertise.toml").read_text(encoding="utf-8")
    return Template(**tomllib.loads(text))


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except ValueError as error:
        raise ValueError(f"« {error} » n'est pas un droit") from None


def _explain(file: Path, error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        key = ".".join(str(step) for step in problem["loc"])
        known = problem["type"] != "extra_forbidden"
        parts.append(f"{file} : « {key} » : {problem['msg'] if known else 'clé inconnue'}.")
    return " ".join(parts)
