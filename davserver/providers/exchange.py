"""One request at the WebDAV door: what the client asks, in our words."""

import re
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol, cast

from davserver.accounts.credentials import still_valid
from davserver.errors import BadRequest, Unauthenticated
from davserver.policy import Actor
from davserver.providers.address import Address, parse, parse_url
from davserver.providers.answers import Answer
from davserver.providers.bodies import Input, whole, xml
from davserver.providers.conditions import Conditions
from davserver.site import Site
from davserver.tree.lookup import Path
from davserver.work import Client, Work

ACTOR = "davserver.actor"  # the one key of the environment that is ours: who was authenticated


class Drive(Protocol):
    """The provider that serves the request."""

    site: Site

    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> Any: ...


class Exchange:
    """The request. Raises BadRequest when made from headers that make no sense."""

    def __init__(self, drive: Drive, environ: dict[str, Any]) -> None:
        self.drive = drive
        self.site = drive.site
        self.environ = environ
        self.method = str(environ["REQUEST_METHOD"])
        self.headers = {
            key[5:].replace("_", "-").lower(): str(value)
            for key, value in environ.items()
            if key.startswith("HTTP_")
        }
        self.agent = self.headers.get("user-agent", "")
        self.address: Address = parse(str(environ["REQUEST_URI"]))

    @cached_property
    def conditions(self) -> Conditions:
        """The conditions that the client sets. Raises BadRequest for malformed ones."""
        return Conditions(self.headers, self.hosts, of_folder=self.address.slash)

    @property
    def actor(self) -> Actor:
        """Who is asking. Raises Unauthenticated when nobody was authenticated."""
        actor = self.environ.get(ACTOR)
        if not isinstance(actor, Actor):
            raise Unauthenticated("Identifiez-vous.")
        return actor

    def require_still_valid(self, work: Work) -> None:
        """Raises Unauthenticated when the actor was shut out since the request began."""
        if not still_valid(work.session, self.actor):
            raise Unauthenticated("Identifiez-vous.")

    @cached_property
    def client(self) -> Client:
        """How the actor came, with the lock tokens that he submits."""
        return Client("webdav", self.agent, self.conditions.tokens, self.address.spelt)

    @property
    def path(self) -> Path:
        """The path in the drive. « / » itself is above it: see :attr:`address`."""
        return self.address.path

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The authorities under which this server is known to the client."""
        names = {self.headers.get("host", "").lower()}
        if self.site.settings.server.address:
            names.add(self.site.settings.server.address.split("://")[-1].strip("/").lower())
        return frozenset(name for name in names if name)

    @property
    def destination(self) -> Address:
        """Where MOVE and COPY go (RFC 4918 §10.3)."""
        url = self.headers.get("destination")
        if not url:
            raise BadRequest("Il manque l'adresse de destination.")
        return parse_url(url, self.hosts)

    @property
    def overwrite(self) -> bool:
        """Whether a taken destination may be replaced; yes unless told otherwise (§10.6)."""
        word = self.headers.get("overwrite", "T").strip().upper()
        if word not in ("T", "F"):
            raise BadRequest("L'en-tête Overwrite est mal formé.")
        return word == "T"

    def depth(self, default: str, allowed: tuple[str, ...]) -> str:
        """The Depth header in small letters. Raises BadRequest for one that is not ``allowed``."""
        depth = self.headers.get("depth", default).strip().lower()
        if depth not in allowed:
            raise BadRequest("L'en-tête Depth ne convient pas à cette opération.")
        return depth

    @cached_property
    def _preferences(self) -> frozenset[str]:
        words = self.headers.get("prefer", "").split(",")
        return frozenset(word.split(";")[0].replace('"', "").strip().lower() for word in words)

    def prefers(self, preference: str) -> bool:
        """Whether the client would like this (RFC 7240, RFC 8144)."""
        return preference in self._preferences

    def preferred(self, answer: Answer, *offered: str) -> Answer:
        """``answer`` with what it says of the client's wishes: those ``offered`` were granted."""
        granted = [wish for wish in offered if self.prefers(wish)]
        if not granted:
            return answer
        told = (("Preference-Applied", ", ".join(granted)), ("Vary", "Prefer"))
        return replace(answer, headers=(*answer.headers, *told))

    @property
    def announced(self) -> int | None:
        """The length of the body in bytes; None when only its end will tell."""
        length = self.environ.get("CONTENT_LENGTH")
        if length not in (None, ""):
            return int(cast(str, length))
        return None if "chunked" in self.headers.get("transfer-encoding", "").lower() else 0

    @property
    def expected(self) -> int | None:
        """The size of the content in bytes as the client knows it, also for a chunked body.

        None when it does not say. An empty body is a beginning, whatever is said of its end.
        """
        said = self.headers.get("x-expected-entity-length", "")
        if self.announced == 0 or not re.fullmatch(r"[0-9]{1,18}", said):
            return self.announced
        return int(said)

    @property
    def has_xml(self) -> bool:
        """Whether the body is said to be XML (RFC 7303)."""
        kind = str(self.environ.get("CONTENT_TYPE", "")).split(";")[0].strip().lower()
        return kind in ("application/xml", "text/xml")

    @property
    def input(self) -> Input:
        """The body."""
        return cast(Input, self.environ["wsgi.input"])

    @cached_property
    def text(self) -> bytes:
        """The whole body, of a request whose body is XML. Raises TooLarge, Cut."""
        return whole(self.input, self.announced, self.site.settings.server.max_xml_bytes)

    def xml(self) -> Any:
        """The XML body, None when there is none."""
        return xml(self.text)
