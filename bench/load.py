"""Requests, many at once, each answer's status and size looked at.

wrk sends what is small, with a script that chooses the next request; curl what is large.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from bench.files import LISTED, OWNER, Person
from bench.peers import program


class Wrong(Exception):
    """An answer that is not the one that was asked for: the figure is none."""


@dataclass(frozen=True)
class Ask:
    """One kind of request. ``url`` may hold ``%d``, which counts, or ``%n``, the number of each
    listed file in turn. ``statuses`` are the right ones.

    ``least``: bytes that the body of a right answer has at least. ``people``: who asks, in turn.
    Of many bodies each ends with its number: no two documents are the same.
    """

    method: str
    url: str
    statuses: frozenset[int]
    least: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Path | None = None
    people: Sequence[Person] = (OWNER,)


# wrk calls these; its one thread has a state of its own, which is asked at the end.
_SCRIPT = Template("""\
local asking = nil
function setup(thread) asking = thread end
local body = nil
local number = 0
local right = $statuses
local heads = $heads
wrong, small, seen = 0, 0, 0
function init()
    local path = $body
    if path then
        local file = io.open(path, "rb"); body = file:read("*a"); file:close()
    end
    number = $first
end
function request()
    number = number + 1
    local path = string.gsub($path, "%%d", tostring(number))
    path = string.gsub(path, "%%n", string.format("%04d", number % $listed))
    return wrk.format($method, path, heads[number % #heads + 1], body and body .. number)
end
function response(status, headers, answer)
    seen = seen + 1
    if not right[status] then wrong = status end
    if #answer < $least then small = small + 1 end
end
function done(summary, latency, requests)
    local lost = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    io.stderr:write(string.format(
        '{"seen": %d, "wrong": %d, "small": %d, "lost": %d, "seconds": %f}',
        asking:get("seen"), asking:get("wrong"), asking:get("small"), lost,
        summary.duration / 1e6))
end
""")


def many(ask: Ask, *, seconds: float, connections: int = 4, first: int = 0) -> float:
    """Ask again and again on some connections, for whole seconds; answers a second. ``first`` is
    where counting begins. Raises Wrong at any answer that is not right."""
    origin, _, path = ask.url.partition("//")[2].partition("/")
    scheme = ask.url.partition("://")[0]
    heads = [_table({**person.authorization, **ask.headers}) for person in ask.people]
    script = _SCRIPT.substitute(
        statuses="{" + ", ".join(f"[{status}] = true" for status in ask.statuses) + "}",
        body=_lua(str(ask.body)) if ask.body else "nil",
        first=first,
        path=_lua("/" + path),
        method=_lua(ask.method),
        heads="{" + ", ".join(heads) + "}",
        least=ask.least,
        listed=LISTED,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [program("wrk"), "-t", "1", "-c", str(connections),
             "-d", f"{max(1, round(seconds))}s", "--timeout", "60s", "-s", file.name,
             f"{scheme}://{origin}/"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise Wrong(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    told = json.loads(done.stderr[done.stderr.index("{") :])
    if told["wrong"] or told["small"] or told["lost"] or not told["seen"]:
        raise Wrong(f"{ask.method} {ask.url}: {told}")
    return float(told["seen"] / told["seconds"])


def once(ask: Ask, *, size: int, authority: Path | None = None) -> float:
    """Send or fetch one body of ``size`` bytes; bytes a second. Raises Wrong."""
    options = ["--silent", "--show-error", "--output", "/dev/null", "--request", ask.method,
               "--write-out", "%{json}", "--header", "Expect:"]  # fmt: skip
    for name, value in {**ask.people[0].authorization, **ask.headers}.items():
        options += ["--header", f"{name}: {value}"]
    if ask.body is not None:
        options += ["--upload-file", str(ask.body)]
    if authority is not None:
        options += ["--cacert", str(authority)]
    done = subprocess.run(
        [program("curl"), *options, ask.url], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Wrong(f"{ask.method} {ask.url}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    moved = told["size_upload"] if ask.body is not None else told["size_download"]
    if told["http_code"] not in ask.statuses or moved != size:
        raise Wrong(f"{ask.method} {ask.url}: {told['http_code']}, {moved} bytes")
    return float(size / told["time_total"])


def _table(named: Mapping[str, str]) -> str:
    """A table of Lua."""
    return "{" + ", ".join(f"[{_lua(name)}] = {_lua(text)}" for name, text in named.items()) + "}"


def _lua(text: str) -> str:
    """A string literal of Lua."""
    escaped = "".join(
        char if char.isprintable() and char not in '"\\' else f"\\{ord(char):03}" for char in text
    )
    return f'"{escaped}"'
