"""Requests, many at once, each answer's status and size looked at.

wrk sends what is small, with a script that chooses the next request; curl what is large.
"""

import json
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Mapping
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

    ``least``: bytes that the body of a right answer has at least.
    """

    method: str
    url: str
    statuses: frozenset[int]
    least: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Path | None = None


def basic(person: Person = OWNER) -> dict[str, str]:
    """The header of who is asking."""
    word = b64encode(f"{person.login}:{person.password}".encode()).decode()
    return {"Authorization": f"Basic {word}"}


# wrk calls these. Each thread has a state of its own, and a range of numbers of its own.
_SCRIPT = Template("""\
local threads = {}
function setup(thread)
    thread:set("own", #threads)
    table.insert(threads, thread)
end
local body = nil
local number = 0
local right = $statuses
wrong, small, seen = 0, 0, 0
function init()
    local path = $body
    if path then
        local file = io.open(path, "rb"); body = file:read("*a"); file:close()
    end
    number = $first + own * 10000000
end
function request()
    number = number + 1
    local path = string.gsub($path, "%%d", tostring(number))
    path = string.gsub(path, "%%n", string.format("%04d", number % $listed))
    return wrk.format($method, path, $headers, body)
end
function response(status, headers, answer)
    seen = seen + 1
    if not right[status] then wrong = status end
    if #answer < $least then small = small + 1 end
end
function done(summary, latency, requests)
    local seen, wrong, small = 0, 0, 0
    for _, thread in ipairs(threads) do
        seen = seen + thread:get("seen")
        small = small + thread:get("small")
        if thread:get("wrong") ~= 0 then wrong = thread:get("wrong") end
    end
    local lost = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    io.stderr:write(string.format(
        '{"seen": %d, "wrong": %d, "small": %d, "lost": %d, "seconds": %f, "bytes": %d, '
        .. '"p50": %f, "p99": %f}',
        seen, wrong, small, lost, summary.duration / 1e6, summary.bytes,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
""")


@dataclass(frozen=True)
class Rate:
    """What came of it: answers a second, and their times in milliseconds."""

    per_second: float
    p50: float
    p99: float


def many(ask: Ask, *, seconds: float, connections: int = 4, threads: int = 1,
         first: int = 0, authority: Path | None = None) -> Rate:  # fmt: skip
    """Ask again and again on some connections, for whole seconds. Raises Wrong."""
    origin, _, path = ask.url.partition("//")[2].partition("/")
    scheme = ask.url.partition("://")[0]
    headers = {**basic(), **ask.headers}
    script = _SCRIPT.substitute(
        statuses="{" + ", ".join(f"[{status}] = true" for status in ask.statuses) + "}",
        body=_lua(str(ask.body)) if ask.body else "nil",
        first=first,
        path=_lua("/" + path),
        method=_lua(ask.method),
        headers="{" + ", ".join(f"[{_lua(k)}] = {_lua(v)}" for k, v in headers.items()) + "}",
        least=ask.least,
        listed=LISTED,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [program("wrk"), "-t", str(threads), "-c", str(connections),
             "-d", f"{max(1, round(seconds))}s", "--timeout", "60s", "-s", file.name, f"{scheme}://{origin}/"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise Wrong(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    told = json.loads(done.stderr[done.stderr.index("{") :])
    if told["wrong"] or told["small"] or told["lost"] or not told["seen"]:
        raise Wrong(f"{ask.method} {ask.url}: {told}")
    return Rate(told["seen"] / told["seconds"], told["p50"], told["p99"])


@dataclass(frozen=True)
class Transfer:
    """One large body: bytes a second."""

    bytes_per_second: float


def once(ask: Ask, *, size: int, authority: Path | None = None) -> Transfer:
    """Send or fetch one body of ``size`` bytes. Raises Wrong."""
    options = ["--silent", "--show-error", "--output", "/dev/null", "--request", ask.method,
               "--write-out", "%{json}", "--header", "Expect:"]  # fmt: skip
    for name, value in {**basic(), **ask.headers}.items():
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
    return Transfer(size / told["time_total"])


def _lua(text: str) -> str:
    """A string literal of Lua."""
    escaped = "".join(
        char if char.isprintable() and char not in '"\\' else f"\\{ord(char):03}" for char in text
    )
    return f'"{escaped}"'
