"""Settings: the shipped file, the environment, and every way to get them wrong."""

import re
from pathlib import Path

import pytest

from davserver.settings import BadSettings, Settings, load

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "config" / "davserver.toml"


def _uncommented(text: str) -> str:
    """The shipped file with every commented setting in force."""
    text = text.split("# Third-party policies", maxsplit=1)[0]
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_the_shipped_file_is_loaded_and_changes_nothing() -> None:
    data = SHIPPED.parent / "data"

    assert load(SHIPPED) == load(None, data=data)


def test_the_shipped_file_names_every_key_with_its_default(tmp_path: Path) -> None:
    file = tmp_path / "davserver.toml"
    file.write_text(_uncommented(SHIPPED.read_text(encoding="utf-8")), encoding="utf-8")

    shown = load(file).model_dump()
    defaults = load(None, data=tmp_path / "data").model_dump()

    # There is no default certificate to show: the file shows an example.
    for values in (shown, defaults):
        values["server"].pop("certificate")
        values["server"].pop("private_key")
    assert shown == defaults
    text = file.read_text(encoding="utf-8")
    keys = {
        key
        for section, field in Settings.model_fields.items()
        if section != "policy"
        for key in type(field.default).model_fields
    }
    assert {key for key in keys if not re.search(rf"^{key} = ", text, re.MULTILINE)} == set()


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "davserver.toml"
    file.write_text("[deposit]\nquiet_locked = 5\nquiet_unlocked = 7\n")
    monkeypatch.setenv("DAVSERVER_DEPOSIT__QUIET_LOCKED", "3")

    deposit = load(file).deposit

    assert (deposit.quiet_locked, deposit.quiet_unlocked) == (3, 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[deposit]\nquiet_lock = 5\n", "deposit.quiet_lock"),
        ("[depot]\nquiet_locked = 5\n", "depot"),
        ("[deposit]\nquiet_locked = -5\n", "deposit.quiet_locked"),
        ("[server]\nport = 123456\n", "server.port"),
        ("[mail]\nsecurity = 'ssl'\n", "mail.security"),
        ("[server\n", "TOML"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "davserver.toml"
    file.write_text(text)

    with pytest.raises(BadSettings) as refused:
        load(file)

    assert str(file) in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="lecture impossible"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["DAVSERVER_DEPOSIT__QUIET", "DAVSERVER_DEPOTS__QUIET_LOCKED"])
def test_a_misspelt_variable_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "5")

    with pytest.raises(BadSettings):
        load(None)


def test_a_password_is_never_said(tmp_path: Path) -> None:
    file = tmp_path / "davserver.toml"
    file.write_text("[mail]\npassword = 12345678\n")

    with pytest.raises(BadSettings) as refused:
        load(file)

    assert "12345678" not in str(refused.value)
    assert "secret" not in repr(load(None).mail.model_copy(update={"password": "secret"}))
