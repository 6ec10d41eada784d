"""Settings: the shipped file, the environment, and every way to get them wrong."""

import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from davserver.settings import BadSettings, Settings, errors, load

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


def test_the_settings_of_a_node_are_understood(tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    found = re.search(r"^    \[server\]\n(?:(?:    .*)?\n)*", manual, re.MULTILINE)
    assert found is not None
    file = tmp_path / "davserver.toml"
    file.write_text(found[0], encoding="utf-8")

    settings = load(file)

    assert settings.storage.database_file is None
    assert settings.s3.bucket and settings.server.trusted_proxies


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


def said_of(file: Path, text: str) -> str:
    """The sentence that refuses a file of settings, without the name of the file."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings) as refused:
        load(file)
    before, _, said = str(refused.value).partition(f"{file} : ")
    assert before == ""
    return said


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("[server]\nport = 'x'", "server.port", 'il faut un nombre entier (reçu : "x")'),
        ("[server]\nport = 1.5", "server.port", "il faut un nombre entier (reçu : 1.5)"),
        ("[server]\nport = 70000", "server.port", "il faut au plus 65535 (reçu : 70000)"),
        ("[server]\nworkers = 0", "server.workers", "il faut plus de 0 (reçu : 0)"),
        ("[server]\nhost = 1", "server.host", "il faut un texte entre guillemets (reçu : 1)"),
        ("[login]\nguess_every = 'a'", "login.guess_every", 'il faut un nombre (reçu : "a")'),
        ("[login]\nguess_every = -1", "login.guess_every", "il faut au moins 0 (reçu : -1)"),
        ("[login]\nguess_every = 1979-01-01", "login.guess_every", "il faut un nombre"),
        ("[storage]\ndata = 1", "storage.data", "il faut un chemin entre guillemets (reçu : 1)"),
        ("[deposit]\nfolders = 'non'", "deposit.folders", 'il faut true ou false (reçu : "non")'),
        ("[deposit]\nfolders = []", "deposit.folders", "il faut true ou false"),
        ("server = true", "server", "il faut une section, avec ses clés (reçu : true)"),
        ("[[policy]]\nunder = '/'", "policy.0.use", "cette clé est obligatoire"),
    ],
)
def test_a_wrong_value_is_told_in_french_with_what_was_expected(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    assert said_of(tmp_path / "davserver.toml", text) == f"clé « {key} » : {said}."


DATABASE = 'exemple : "postgresql+psycopg://'
PROXIES = 'exemple : ["127.0.0.1"] ou ["10.0.0.0/8"]'


@pytest.mark.parametrize(
    ("text", "said", "example"),
    [
        ("[server]\ntrusted_proxies = '127.0.0.1'\n", "il faut une liste entre crochets", PROXIES),
        ("[server]\ntrusted_proxies = ['nginx']\n", "ni une adresse IP ni un réseau", PROXIES),
        ("[server]\ntrusted_proxies = ['127.0.0.1:80']\n", "ni une adresse IP ni", PROXIES),
        ("[server]\ntrusted_proxies = ['10.0.0.5/8']\n", "ni une adresse IP ni", PROXIES),
        ("[server]\ntrusted_proxies = [1]\n", "ni une adresse IP ni un réseau", PROXIES),
        ("[server]\ntrusted_proxies = ['0.0.0.0/0']\n", "le monde entier", PROXIES),
        ("[antivirus]\nclamd = '/run/clamav/clamd.ctl'\n", "ne convient pas", '"unix:/run/clamav'),
        ("[mail]\nsecurity = 'ssl'\n", "ne convient pas", '"none", "starttls" ou "tls"'),
        ("[storage]\ndatabase = 'mysql://h/x'\n", "il faut PostgreSQL", DATABASE),
        ("[storage]\ndatabase = 'postgresql://h/x'\n", "il faut PostgreSQL", DATABASE),
        ("[storage]\ndatabase = 'x'\n", "pas l'adresse d'une base de données", DATABASE),
        ("[storage]\ndatabase = 'postgresql+psycopg://h:x/y'\n", "pas l'adresse d'une", DATABASE),
    ],
)  # fmt: skip
def test_a_key_whose_form_is_special_is_refused_with_an_example(
    tmp_path: Path, text: str, said: str, example: str
) -> None:
    sentence = said_of(tmp_path / "davserver.toml", text)

    assert said in sentence and example in sentence


@pytest.mark.parametrize(
    "address",
    [
        "dossiers.example", "dossiers.example:443", "ftp://dossiers.example", "https://",
        "https:///dav/", "https://a:b@dossiers.example", "https://dossiers.example?a",
        "https://dossiers.example/#a", "https://dossiers.example:99999", "https://[::1",
        "https://dossiers.example:0", "https://a b.example", "https://a\\nb.example",
        "https://dossiers.example/autre/",
    ],
)  # fmt: skip
def test_a_public_address_that_leads_to_no_site_is_refused(tmp_path: Path, address: str) -> None:
    sentence = said_of(tmp_path / "davserver.toml", f'[server]\naddress = "{address}"\n')

    assert "clé « server.address »" in sentence
    assert 'exemple : "https://dossiers.example"' in sentence


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("", ""),
        ("https://dossiers.example", "https://dossiers.example"),
        ("https://Dossiers.example:8443/dav/", "https://Dossiers.example:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_the_public_address_is_that_of_the_site_also_where_the_drive_is_given(
    tmp_path: Path, address: str, site: str
) -> None:
    file = tmp_path / "davserver.toml"
    file.write_text(f'[server]\naddress = "{address}"\n')

    assert load(file).server.address == site


def test_proxies_are_addresses_or_networks(tmp_path: Path) -> None:
    file = tmp_path / "davserver.toml"
    told = ["127.0.0.1", "10.0.0.0/8", "2001:DB8::1", "::ffff:192.0.2.7"]
    file.write_text(f"[server]\ntrusted_proxies = {told}\n")

    assert [str(network) for network in load(file).server.trusted_proxies] == [
        "127.0.0.1/32",
        "10.0.0.0/8",
        "2001:db8::1/128",
        "192.0.2.7/32",  # as a peer is compared
    ]


def test_a_wrong_variable_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAVSERVER_SERVER__PORT", "x")

    with pytest.raises(BadSettings, match=r"^DAVSERVER_SERVER__PORT : .*un nombre entier"):
        load(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DAVSERVER_SERVER__TRUSTED_PROXIES", "127.0.0.1"), ("DAVSERVER_MAIL", "password=geheim")],
)
def test_a_list_in_the_environment_that_is_no_json_is_told(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(BadSettings) as refused:
        load(None)

    assert str(refused.value).startswith(f"{name} : une liste ou une section s'écrit ici en JSON")
    assert "geheim" not in str(refused.value)


def test_a_kind_of_error_that_is_not_in_the_table_is_told_in_french_too() -> None:
    class Strange(BaseModel):
        day: date

    with pytest.raises(ValidationError) as wrong:
        Strange.model_validate({"day": "x"})

    assert errors.explained(wrong.value, "a.toml", "NO_") == (
        'a.toml : clé « day » : cette valeur ne convient pas (reçu : "x").'
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="lecture impossible"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["DAVSERVER_DEPOSIT__QUIET", "DAVSERVER_DEPOTS__QUIET_LOCKED"])
def test_a_misspelt_variable_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "5")

    with pytest.raises(BadSettings):
        load(None)


@pytest.mark.parametrize(
    "text",
    [
        "[mail]\npassword = 12345678\n",
        "[[mail]]\npassword = '12345678'\n",
        "[s3]\nsecret_key = 12345678\n",
        "[storage]\ndatabase = 'mysql://davserver:12345678@h/x'\n",
        "[storage]\ndatabase = 'postgresql+psycopg://davserver:12345678@h:x/x'\n",
        "[[policy]]\ntoken = '12345678'\n",
        "[server]\naddress = 'https://a:12345678@dossiers.example'\n",
    ],
)
def test_a_password_is_never_said(tmp_path: Path, text: str) -> None:
    assert "12345678" not in said_of(tmp_path / "davserver.toml", text)
    assert "secret" not in repr(load(None).mail.model_copy(update={"password": "secret"}))
