"""Whatever a client sends, a parser reads it or raises a problem of ours, and soon.

In short here; ``./run fuzz`` is the long form.
"""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from davserver import dates, names
from davserver.errors import Problem
from davserver.providers import address, authentication, bodies, digests, listing, property_changes
from davserver.providers.conditions import Conditions
from davserver.providers.exchange import Exchange
from davserver.providers.verbs import copy_move, get, lock, mkcol, proppatch, put, report
from davserver.server.head import RefusedRequest, parse_head
from tests.fuzz import texts
from tests.fuzz.conftest import Fuzz
from tests.timing import within

SOON = 0.05  # seconds of processor
HOSTS = frozenset({"127.0.0.1", "127.0.0.1:8080"})
DRIVE: Any = SimpleNamespace(
    site=SimpleNamespace(
        settings=SimpleNamespace(server=SimpleNamespace(address="", max_xml_bytes=262_144))
    )
)


def read(parser: Callable[..., Any], *told: Any) -> Any:
    """What the parser makes of it; None for a problem. Any other exception is a find, and so is
    a parser that takes long."""

    def reading() -> Any:
        try:
            return parser(*told)
        except (Problem, RefusedRequest):
            return None

    return within(SOON, reading)


def _path(raw: str) -> None:
    found = read(address.parse, raw)
    if found is None:
        return
    for name in found.path:
        assert "/" not in name and not names.unprintable(name) and name not in ("", ".", "..")
    if not found.site:
        # Its own spelling names the same object again, and nothing else.
        assert address.parse(address.href(found.path, folder=found.slash)).path == found.path


def _url(url: str) -> None:
    found = read(address.parse_url, url, HOSTS)
    if found is not None and not found.site:
        assert address.parse_url(address.href(found.path, folder=False), HOSTS).path == found.path


def _if(text: str, match: str) -> None:
    read(Conditions, {"if": text, "if-match": match}, HOSTS)


def _range(text: str, size: int) -> None:
    found = read(get.asked, text, size)
    if found is not None:
        start, end = found
        assert 0 <= start < end <= size


def _basic(header: str) -> None:
    found = read(authentication._basic, header)
    if found is not None:
        assert "\0" not in "".join(found)


def _date(text: str) -> None:
    found = read(dates.parsed, text)
    assert found is None or found.tzinfo is not None


def _exchange(method: str, target: str, headers: dict[str, str], length: str) -> None:
    """All that is read of a request's head."""
    environ = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "CONTENT_LENGTH": length,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    exchange = read(Exchange, DRIVE, environ)
    if exchange is None:
        return
    for told in ("destination", "overwrite", "expected", "announced", "has_xml", "hosts"):
        read(lambda told=told: getattr(exchange, told))
    read(exchange.depth, "0", ("0", "1", "infinity"))
    read(exchange.prefers, "return=minimal")
    read(copy_move._target, exchange)
    read(put._dated, exchange)
    read(digests.Announced, exchange.headers)
    read(lock._timeout, exchange.headers.get("timeout", ""))


def _xml(text: bytes) -> None:
    def xml(text: bytes) -> Any:
        return bodies.xml(bodies.whole(io.BytesIO(text), len(text), 262_144))

    root = read(xml, text)
    if root is None:
        return
    for reader in (
        lambda: listing.asked(root, minimal=False),
        lambda: report._asked(root, minimal=False),
        lambda: report._level(root),
        lambda: report._limit(root),
        lambda: lock._scope(root),
        lambda: lock._owner(root),
        lambda: mkcol._resourcetype(root),
        lambda: property_changes.outcome(mkcol._changes(root), []),
        lambda: property_changes.outcome(proppatch._changes(root), []),
        lambda: property_changes.protected(proppatch._changes(root), "x"),
    ):
        read(reader)


def _head(lines: list[str]) -> None:
    read(parse_head, "\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))


_headers = st.fixed_dictionaries({}, optional=texts.HEADERS)
_lines = st.lists(
    texts.made_of(
        "GET /dav/ HTTP/1.1",
        "Host: x",
        "Content-Length: ",
        "Transfer-Encoding: chunked",
        "1",
        ":",
        " ",
        "If: (<a>)",
        "Expect: 100-continue",
        "\r",
        "\n",
        "HTTP/1.",
        "\0",
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("name", "tried", "strategies"),
    [
        ("path", _path, (texts.PATHS,)),
        ("destination", _url, (texts.URLS,)),
        ("if", _if, (texts.IFS, texts.TAGS)),
        ("range", _range, (texts.RANGES, st.integers(0, 10**13))),
        ("basic", _basic, (texts.BASICS,)),
        ("date", _date, (texts.DATES,)),
        (
            "request",
            _exchange,
            (
                st.sampled_from(["PUT", "MOVE"]),
                texts.PATHS,
                _headers,
                st.sampled_from(["", "0", "7"]),
            ),
        ),
        ("xml", _xml, (texts.XML,)),
        ("head", _head, (_lines,)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ",
)
@pytest.mark.timeout(0)
def test_a_parser_reads_or_refuses(
    fuzz: Fuzz, name: str, tried: Callable[..., None], strategies: Any
) -> None:
    fuzz(name, tried, *strategies)
