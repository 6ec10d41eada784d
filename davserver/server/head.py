"""The head of a request, read strictly (RFC 9112): what is ambiguous is refused, never guessed.

Two programs that read one request differently can be played against each other (request
smuggling). So every doubt about where a request ends is a 400 here, and the connection closes.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Z]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_ABSOLUTE = re.compile(rb"https?://([^/?]+)(/.*)?", re.IGNORECASE)
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")
_END = re.compile(rb"\n\r?\n")
_ESCAPED_SLASH = re.compile(rb"(%2[Ff])")

# A second one of these would change what is asked, or of whom; others are lists and are joined.
_SINGLE = frozenset(
    {
        b"Authorization",
        b"Content-Length",
        b"Content-Range",
        b"Content-Type",
        b"Depth",
        b"Destination",
        b"Host",
        b"If",
        b"Lock-Token",
        b"Overwrite",
        b"Range",
        b"Transfer-Encoding",
    }
)

BAD_REQUEST = "400 Bad Request"
# Bytes. The longest path of the drive has 600 letters, of 12 bytes each at most once escaped.
MOST_REQUEST_LINE = 8_192


class RefusedRequest(Exception):
    """A request that is answered before any application sees it: ``status``, then the close."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """A request line and its header fields, without a doubt left in them.

    ``target`` is raw, from its path on; ``path`` is its path with the escapes decoded, those of
    slashes excepted. ``fields`` has names in Title-Case; fields whose name holds an underscore are
    not in it, since CGI names could not tell ``X_Forwarded_For`` from ``X-Forwarded-For``.
    ``length`` is that of the body in bytes, None when it is chunked.
    """

    method: bytes
    target: bytes
    path: bytes
    query: bytes
    version: tuple[int, int]
    fields: dict[bytes, bytes]
    length: int | None
    keep_alive: bool
    expects_continue: bool


def end_of_head(data: bytes | bytearray, start: int = 0) -> int:
    """The index past the empty line that ends a head, -1 while there is none.

    Lines that end in a bare LF are found too, so that they are refused at once and not waited for.
    """
    match = _END.search(data, max(0, start))
    return match.end() if match else -1


def may_begin_head(data: bytes | bytearray) -> bool:
    """Whether a request could begin so: a TLS hello on a plain port, for one, does not."""
    return data[:1].isupper() or data[:1] in b"!#$%&'*+-.^_`|~0123456789"


def has_endless_line(data: bytes | bytearray) -> bool:
    """Whether the request line is too long, however it goes on."""
    return len(data) > MOST_REQUEST_LINE and data.find(b"\n", 0, MOST_REQUEST_LINE + 2) < 0


def parse_head(block: bytes) -> Head:
    """Read a head with its final empty line; one without it counts as too long.

    Raises RefusedRequest: 400 for whatever is malformed or ambiguous, 414 and 431 for too long a
    request line or header, 417 and 501 for an expectation or a coding unknown here, 505.
    """
    if not may_begin_head(block):
        raise _bad("this is not an HTTP request")
    if has_endless_line(block) or b"\n" not in block:
        raise RefusedRequest("414 URI Too Long", "request line too long")
    if end_of_head(block) < 0:
        raise RefusedRequest("431 Request Header Fields Too Large", "header too long")
    if not block.endswith(b"\r\n\r\n"):
        raise _bad("lines must end with CRLF")
    request_line, *lines = block[:-4].split(b"\r\n")
    method, target, version = _parse_request_line(request_line)
    fields = _parse_fields(lines)
    _check_host(fields, version)
    if not target.startswith(b"/") and target != b"*":
        target = _path_of(target, fields)
    path, _, query = target.partition(b"?")
    connection = {token.strip() for token in fields.get(b"Connection", b"").lower().split(b",")}
    return Head(
        method=method,
        target=target,
        path=b"".join(
            part.upper() if index % 2 else unquote_to_bytes(part)
            for index, part in enumerate(_ESCAPED_SLASH.split(path))
        ),
        query=query,
        version=version,
        fields=fields,
        length=_body_length(fields, version),
        keep_alive=b"close" not in connection and (version > (1, 0) or b"keep-alive" in connection),
        expects_continue=_expects_continue(fields, version),
    )


def _parse_request_line(line: bytes) -> tuple[bytes, bytes, tuple[int, int]]:
    match = _REQUEST_LINE.fullmatch(line)
    if not match:
        raise _bad("malformed request line")
    method, target, major, minor = match.groups()
    if major != b"1":
        raise RefusedRequest("505 HTTP Version Not Supported", "only HTTP/1.1 is spoken here")
    if target == b"*" and method != b"OPTIONS":
        raise _bad("only OPTIONS is asked of the whole server")
    if b"#" in target:
        raise _bad("fragment in the request target")
    return method, target, (1, min(int(minor), 1))


def _path_of(target: bytes, fields: dict[bytes, bytes]) -> bytes:
    """The path of a target in absolute form, as clients send it to proxies (RFC 9112 §3.2.2). It
    counts more than the Host; where both say something else, somebody was misled."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise _bad("the request target must be a path or an address")
    if absolute[1].lower() != fields.get(b"Host", absolute[1]).lower():
        raise _bad("the request target and Host name two servers")
    return absolute[2] or b"/"


def _parse_fields(lines: list[bytes]) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if not match:
            raise _bad("malformed header field")
        name, value = match.group(1).title(), match.group(2).rstrip(b" \t")
        if b"_" in name:
            continue
        if name in fields:
            if name in _SINGLE:
                raise _bad(f"more than one {name.decode('ascii')}")
            value = fields[name] + (b"; " if name == b"Cookie" else b", ") + value
        fields[name] = value
    return fields


def _check_host(fields: dict[bytes, bytes], version: tuple[int, int]) -> None:
    host = fields.get(b"Host")
    if host is None:
        if version > (1, 0):
            raise _bad("no Host")
    elif not _HOST.fullmatch(host):
        raise _bad("malformed Host")


def _body_length(fields: dict[bytes, bytes], version: tuple[int, int]) -> int | None:
    length = fields.get(b"Content-Length")
    coding = fields.get(b"Transfer-Encoding")
    if coding is None:
        if length is None:
            return 0
        if not _LENGTH.fullmatch(length):
            raise _bad("malformed Content-Length")
        return int(length)
    if length is not None:
        raise _bad("both Content-Length and Transfer-Encoding")
    if version < (1, 1):
        raise _bad("Transfer-Encoding under HTTP/1.0")
    codings = [part.strip() for part in coding.lower().split(b",")]
    if codings == [b"chunked"]:
        return None
    if codings.count(b"chunked") == 1 and codings[-1] == b"chunked":
        raise RefusedRequest("501 Not Implemented", "transfer coding unknown here")
    raise _bad("malformed Transfer-Encoding")


def _expects_continue(fields: dict[bytes, bytes], version: tuple[int, int]) -> bool:
    expected = fields.get(b"Expect")
    if expected is None or version < (1, 1):
        return False
    if expected.lower() != b"100-continue":
        raise RefusedRequest("417 Expectation Failed", "expectation unknown here")
    return True


def _bad(reason: str) -> RefusedRequest:
    return RefusedRequest(BAD_REQUEST, reason)
