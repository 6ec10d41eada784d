"""The files of the kit and the page that offers them, from the templates beside this module."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from davserver.kit.drive import Drive
from davserver.kit.quoting import batch, shell


def _templates(word: Callable[[str], str] | None) -> Environment:
    """Templates of a language: all that they print passes through ``word``, so that none can forget
    to quote. Without it they are HTML or XML, and escaped as such."""
    return Environment(
        loader=PackageLoader("davserver.kit"),
        autoescape=word is None,
        finalize=word,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_MARKUP = _templates(None)
_SHELL = _templates(shell)
_BATCH = _templates(batch)
# The page's only style, apart from it so that its hash can be told to browsers.
STYLE = (files("davserver.kit") / "templates" / "style.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class File:
    """One file of the kit, in the language of ``templates``. ``newline`` ends its lines."""

    system: str
    name: str
    templates: Environment
    program: bool = True
    newline: str = "\n"


_ALL = (
    File("windows", "windows.cmd", _BATCH, newline="\r\n"),
    File("macos", "macos.command", _SHELL),
    File("linux", "linux.sh", _SHELL),
    File("rclone", "rclone.sh", _SHELL),
    File("davmount", "dossiers.davmount", _MARKUP, program=False),
)
SYSTEMS = {file.system: file for file in _ALL}
FILES = {file.name: file for file in _ALL}


def written(file: File, drive: Drive, opens: str = "") -> str:
    """The text of ``file`` for ``drive``. Raises BadDrive for what its language cannot say.

    ``opens``: the folder to show first, escaped and relative to the drive (davmount alone).
    """
    text = file.templates.get_template(f"{file.name}.j2").render(drive=drive, opens=opens)
    return text.replace("\n", file.newline)


def page(drive: Drive) -> str:
    """The page that offers the files, as HTML."""
    return _MARKUP.get_template("page.html.j2").render(drive=drive, style=STYLE)
