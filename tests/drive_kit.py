"""Whom and what address a drive kit is written for, and the text of its files."""

from davserver.kit import SYSTEMS, Drive, written

LOGIN = "cabinet.ortie-lambda"
SITE = "https://dossiers.example"
HOSTILE = (
    "o'brien", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "a&touch pwned", "a|b>c<d",
    "-n", "100%PATH%", "!PATH!", "^a^", "a b", "(a)", "é", "*", "#a", "~", '"; do shell script "',
    "FIN", "</username>&lt;", "{{ drive.url }}",
)  # fmt: skip


def text_of(system: str, *, login: str = LOGIN, address: str = SITE) -> str:
    return written(SYSTEMS[system], Drive.of(address, login))
