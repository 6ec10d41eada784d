"""Answers: statuses, error bodies and multistatus documents (RFC 4918 §13, §16)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from typing import Any
from xml.sax.saxutils import escape

from davserver.errors import NotAllowed, Problem, Unauthenticated, Unavailable

XML = 'application/xml; charset="utf-8"'
PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n'
# Nothing that goes out from here runs or is framed in a browser, whatever it is called and holds.
SAFE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
)
CLASSES = (("DAV", "1, 2"), ("MS-Author-Via", "DAV"))
PHRASES = {
    200: "OK",
    201: "Created",
    204: "No Content",
    206: "Partial Content",
    207: "Multi-Status",
    304: "Not Modified",
    403: "Forbidden",
    404: "Not Found",
    424: "Failed Dependency",
}


@dataclass(frozen=True)
class Answer:
    """What goes back. ``body`` is bytes, or blocks of a known ``length`` in bytes.

    ``lasting``: the same request may get it again as long as nothing was committed.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    phrase: str = ""
    blocks: Iterator[bytes] | None = None
    length: int = 0
    lasting: bool = False

    @property
    def status_line(self) -> str:
        return f"{self.status} {self.phrase or PHRASES[self.status]}"

    @property
    def content_length(self) -> int:
        return self.length if self.blocks is not None else len(self.body)

    def content(self) -> Iterable[bytes]:
        """The body in blocks."""
        return self.blocks if self.blocks is not None else [self.body]


def http_date(instant: datetime) -> str:
    """A date as HTTP writes it (RFC 9110 §5.6.7)."""
    return formatdate(instant.timestamp(), usegmt=True)


def multistatus(responses: Iterable[str]) -> Answer:
    """207 with these ready ``D:response`` elements."""
    body = "".join([PROLOGUE, '<D:multistatus xmlns:D="DAV:">', *responses, "</D:multistatus>\n"])
    return Answer(207, (("Content-Type", XML),), body.encode())


def mkcol_response(outcome: Iterable[tuple[int, str]], condition: str = "") -> Answer:
    """403 for a folder whose properties cannot be set (RFC 5689 §3, §5.1)."""
    error = f"<D:error><D:{condition}/></D:error>" if condition else ""
    told = propstats(outcome, error)
    body = f'{PROLOGUE}<D:mkcol-response xmlns:D="DAV:">{told}</D:mkcol-response>'
    return Answer(403, (("Content-Type", XML),), body.encode(), "Propriete non modifiable")


def response(href: str, told: str) -> str:
    """A ``D:response`` of an href with its ready ``D:propstat`` elements."""
    return f"<D:response><D:href>{escape(href)}</D:href>{told}</D:response>"


def propstats(outcome: Iterable[tuple[int, str]], error: str = "") -> str:
    """``D:propstat`` elements: for each status the properties that have it. ``error`` tells more of
    those that failed."""
    return "".join(
        f"<D:propstat><D:prop>{properties}</D:prop>"
        f"<D:status>HTTP/1.1 {status} {PHRASES[status]}</D:status>"
        f"{error if status == 403 else ''}</D:propstat>"
        for status, properties in outcome
    )


def gone(href: str) -> str:
    """A ``D:response`` that tells that nothing is there any more (RFC 6578 §3.5.2)."""
    return (
        f"<D:response><D:href>{escape(href)}</D:href>"
        f"<D:status>HTTP/1.1 404 {PHRASES[404]}</D:status></D:response>"
    )


def problem(error: Problem, allow: str = "") -> Answer:
    """The answer that tells of ``error``: its phrase for file managers, its sentence for people.

    ``allow``: the methods that make sense, for a 405 (RFC 9110 §15.5.6).
    """
    condition = f"<D:{error.condition}/>" if error.condition else ""
    if error.status == 403 and not condition:
        condition = "<D:need-privileges/>"
    body = (
        f'{PROLOGUE}<D:error xmlns:D="DAV:">{condition}'
        f'<S:message xmlns:S="urn:davserver" xml:lang="fr">{escape(error.sentence)}</S:message>'
        "</D:error>\n"
    )
    headers = [("Content-Type", XML)]
    if isinstance(error, Unauthenticated):
        # UTF-8 in the name and password (RFC 7617 §2.1); the classes, since some Macs look here.
        headers += [("WWW-Authenticate", 'Basic realm="davserver", charset="UTF-8"'), *CLASSES]
    if isinstance(error, NotAllowed):
        headers.append(("Allow", allow))
    if isinstance(error, Unavailable):
        headers.append(("Retry-After", str(error.retry_after)))
    return Answer(error.status, tuple(headers), body.encode(), error.phrase)


def send(answer: Answer, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Give ``answer`` to the server. It is harmless in a browser, or says itself what it may do."""
    told = {name for name, _ in answer.headers}
    safe = [header for header in SAFE if header[0] not in told]
    headers = [*answer.headers, *safe, ("Content-Length", str(answer.content_length))]
    start_response(answer.status_line, headers)
    return answer.content()
