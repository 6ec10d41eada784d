"""GET and HEAD, with ranges and conditions (RFC 9110 §13, §14)."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from urllib.parse import quote

from davserver.dates import parsed
from davserver.errors import NotFound, RangeNotSatisfiable
from davserver.providers import digests
from davserver.providers.answers import Answer, http_date
from davserver.providers.conditions import same_since
from davserver.providers.exchange import Exchange
from davserver.providers.resources import File, resource
from davserver.providers.verbs import drive_kit
from davserver.tree import verbs
from davserver.tree.lookup import find

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")  # no file has more bytes
SMALL = 65_536  # bytes of a piece that is answered in one block
_CACHED = ("Cache-Control", "private, no-cache")
MOUNT = "application/davmount+xml"
_FOLDER = "Ce dossier s'ouvre comme un lecteur réseau (WebDAV).\n"


def answer(exchange: Exchange) -> Answer:
    """The content, or the part of it that was asked; 304 when the client has it already."""
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        spot = find(work, exchange.path)
        found = resource(work, spot, exchange.environ)
        if found is None:
            raise NotFound("Ce fichier ou ce dossier n'existe pas.")
        if isinstance(found, File):
            work.gate.require(verbs.get(work, spot))
        exchange.conditions.guard_get(work, spot)
    tag = found.tag
    headers = [("ETag", tag), ("Last-Modified", http_date(found.modified)), _CACHED]
    if exchange.conditions.unchanged(found.node, tag) and not exchange.client.program.needs_content:
        return Answer(304, tuple(headers), lasting=True)
    if not isinstance(found, File) and MOUNT in exchange.headers.get("accept", ""):
        return _head(exchange, drive_kit.davmount(exchange))
    if not isinstance(found, File):
        headers.append(("Content-Type", "text/plain; charset=utf-8"))
        return _head(exchange, Answer(200, tuple(headers), _FOLDER.encode()))
    headers += [("Accept-Ranges", "bytes"), *digests.told(found.node), _saved_as(found.node.name)]
    size = found.get_content_length()
    headers.append(("Content-Type", found.get_content_type()))
    part = _part(exchange, found, size)
    if part is None and size <= SMALL and exchange.method == "GET":
        body = b"".join(_read(exchange, found, 0, size))
        return Answer(200, tuple(headers), body, lasting=True)
    if part is None:
        return _head(exchange, Answer(200, tuple(headers), blocks=_read(exchange, found, 0, size),
                                      length=size))  # fmt: skip
    start, end = part
    headers.append(("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    blocks = _read(exchange, found, start, end - start)
    return _head(exchange, Answer(206, tuple(headers), blocks=blocks, length=end - start))


def _read(exchange: Exchange, file: File, start: int, length: int) -> Iterator[bytes]:
    if exchange.method == "HEAD":
        return iter(())
    blocks = file.read(start, length)
    # Before the status goes out: what fails here is a 503, and no answer that is cut.
    first = next(blocks, b"")
    return chain([first], blocks)


def _saved_as(name: str) -> tuple[str, str]:
    """A browser saves evidence under its name, and never shows it in this origin (RFC 6266, in the
    encoding of RFC 8187: no name can end the header or add to it)."""
    return "Content-Disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _head(exchange: Exchange, answer: Answer) -> Answer:
    """HEAD has the length of GET, and no body."""
    if exchange.method != "HEAD":
        return answer
    return Answer(answer.status, answer.headers, blocks=iter(()), length=answer.content_length)


def _part(exchange: Exchange, file: File, size: int) -> tuple[int, int] | None:
    """The range asked, if it is asked of this very content; None for the whole."""
    condition = exchange.headers.get("if-range", "").strip()
    date = parsed(condition)
    if condition and condition != file.tag and (date is None or not _is_dated(file, date)):
        return None
    return asked(exchange.headers.get("range", ""), size)


def asked(header: str, size: int) -> tuple[int, int] | None:
    """The one range that a Range header asks of ``size`` bytes, as start and end; None for the
    whole. Several ranges, or a malformed header, mean the whole (RFC 9110 §14.2). Raises
    RangeNotSatisfiable."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if last == "" else min(size, int(last) + 1)
        if last != "" and int(last) < int(first):
            return None
    if start >= end:
        raise RangeNotSatisfiable(f"Le fichier n'a que {size} octets.")
    return start, end


def _is_dated(file: File, date: datetime) -> bool:
    """Whether ``date`` stands for this very content (RFC 9110 §13.1.5 wants the exact one)."""
    exact = file.node.modified.replace(microsecond=0) == date
    return exact and same_since(file.node, date)
