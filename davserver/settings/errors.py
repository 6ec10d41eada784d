"""What is said of a setting that cannot be used: where, which key, what was expected.

What may hold a secret is not repeated.
"""

import json
import os
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

# Of pydantic's kinds of error; {…} is the limit that was passed. Another kind is said in general.
_EXPECTED = {
    "missing": "cette clé est obligatoire",
    "model_type": "il faut une section, avec ses clés",
    "tuple_type": "il faut une liste entre crochets",
    "string_type": "il faut un texte entre guillemets",
    "path_type": "il faut un chemin entre guillemets",
    "int_type": "il faut un nombre entier",
    "int_parsing": "il faut un nombre entier",
    "int_parsing_size": "il faut un nombre entier moins long",
    "int_from_float": "il faut un nombre entier",
    "float_type": "il faut un nombre",
    "float_parsing": "il faut un nombre",
    "finite_number": "il faut un nombre fini",
    "bool_type": "il faut true ou false",
    "bool_parsing": "il faut true ou false",
    "greater_than": "il faut plus de {gt:g}",
    "greater_than_equal": "il faut au moins {ge:g}",
    "less_than": "il faut moins de {lt:g}",
    "less_than_equal": "il faut au plus {le:g}",
    "value_error": "{error}",
}
_OTHERWISE = "cette valeur ne convient pas"

_EXAMPLES = {
    "server.address": '"https://dossiers.example"',
    "server.trusted_proxies": '["127.0.0.1"] ou ["10.0.0.0/8"]',
    "storage.database": '"postgresql+psycopg://davserver@db.example/davserver"',
    "mail.security": '"none", "starttls" ou "tls"',
    "antivirus.clamd": '"unix:/run/clamav/clamd.ctl" ou "127.0.0.1:3310"',
    "policy": '[[policy]] puis use = "embargo"',
}

# Words in the keys of what may hold a secret.
_SECRET = ("password", "secret", "access_key", "database")
_LONGEST = 80  # characters of a value that are shown

# Variables that are JSON, by their names without prefix; so are those of a whole section.
_IN_JSON = ("SERVER__TRUSTED_PROXIES",)


def explained(error: ValidationError, file: str, prefix: str) -> str:
    """A sentence for each problem of ``error``. It begins with the variable of the environment
    (its name begins with ``prefix``) that the value came from, else with ``file``."""
    return " ".join(_sentence(problem, file, prefix) for problem in error.errors())


def undecoded(prefix: str, sections: Collection[str]) -> str:
    """A sentence for the variables that ought to be JSON, and are not."""
    names = [name for name in sorted(os.environ) if name.upper().startswith(prefix)]
    wrong = [
        name
        for name in names
        if (inside := name.upper().removeprefix(prefix)) in _IN_JSON or inside.lower() in sections
        if not _is_json(os.environ[name])
    ]
    where = ", ".join(wrong) or "environnement"
    return f'{where} : une liste ou une section s\'écrit ici en JSON (exemple : ["127.0.0.1"]).'


def _sentence(problem: ErrorDetails, file: str, prefix: str) -> str:
    # A list has one form for all that is in it; of tables it matters which.
    steps = problem["loc"][:2] if "policy" not in problem["loc"] else problem["loc"]
    key = ".".join(map(str, steps))
    variable = prefix + "__".join(map(str, steps)).upper()
    known = (name for name in os.environ if name.upper() == variable)
    where = next(known, file)
    if problem["type"] == "extra_forbidden":
        return f"{where} : clé « {key} » inconnue."
    expected = _EXPECTED.get(problem["type"], _OTHERWISE).format(**problem.get("ctx", {}))
    example = f" (exemple : {_EXAMPLES[key]})" if key in _EXAMPLES else ""
    given = "" if any(word in key for word in _SECRET) else _given(problem["input"])
    return f"{where} : clé « {key} » : {expected}{example}{given}."


def _given(value: Any) -> str:
    """What was written, as TOML has it. Sections, lists and what stands before « @ » in a URL may
    hold secrets."""
    if not isinstance(value, (str, int, float)) or "@" in str(value):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f" (reçu : {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'})"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
