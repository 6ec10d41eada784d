"""What each memory would answer if it looked no more at what it was computed from."""

from typing import Any

import pytest
from sqlalchemy import update

from davserver.model import User
from davserver.model.snapshots import Snapshots
from davserver.model.version import Version
from davserver.site import CONSOLE, Site
from davserver.tree import grants
from davserver.work import Client
from tests.asking import Ask
from tests.clients import DOSSIER, EXPERT
from tests.deposits import BOX, OTHER

SPACE = ("Espace de l'expert",)
TAG = b"<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/></D:prop></D:propfind>"
ANEW = {"HTTP_X_TURN": "2"}  # another request: the whole answer of the first one is kept, too


def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Version, "now", lambda self: "always the same")


def test_without_the_version_a_listing_would_be_old(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        frozen(patch)
        before = ask(EXPERT, "PROPFIND", *SPACE)
        assert ask(EXPERT, "PUT", *SPACE, "new.pdf", body=b"new")[0] == 201
        assert ask(EXPERT, "PROPFIND", *SPACE) == before
    assert b"new.pdf" in ask(EXPERT, "PROPFIND", *SPACE)[1]


def test_without_the_version_content_would_be_old(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = (*SPACE, "one.pdf")
    ask(EXPERT, "PUT", *name, body=b"one")
    with monkeypatch.context() as patch:
        frozen(patch)
        assert ask(EXPERT, "GET", *name) == (200, b"one")
        ask(EXPERT, "PUT", *name, body=b"two")
        assert ask(EXPERT, "GET", *name) == (200, b"one")
    assert ask(EXPERT, "GET", *name) == (200, b"two")


def test_without_the_version_one_who_was_shut_out_would_still_enter(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        frozen(patch)
        assert ask(OTHER, "PROPFIND", DOSSIER)[0] == 207
        with site.database.writing() as session:
            session.execute(update(User).where(User.login == OTHER).values(disabled=True))
        assert ask(OTHER, "PROPFIND", DOSSIER)[0] == 207
    assert ask(OTHER, "PROPFIND", DOSSIER)[0] == 401


def stubborn(memory: Snapshots[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it give back what it has, whatever the state."""
    monkeypatch.setattr(
        memory, "kept", lambda subject, state: memory._values.get(subject, (None, None))[1]
    )


def cut(site: Site) -> None:
    """Nobody has in the box any more what he has in the dossier."""
    with site.writing(CONSOLE, Client("console")) as work:
        grants.cut(work, grants.place(work, BOX), inherits=False)


def test_without_the_revision_of_rights_one_who_has_none_any_more_would_still_read(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(OTHER, "PROPFIND", *BOX)[0] == 207
    with monkeypatch.context() as patch:
        stubborn(site._caches.rights, patch)
        cut(site)
        assert ask(OTHER, "PROPFIND", *BOX)[0] == 207
    assert ask(OTHER, "PROPFIND", *BOX, **ANEW)[0] == 404


def tag(ask: Ask, login: str, **more: str) -> bytes:
    """The entity tag of the dossier, as this person sees it."""
    status, body = ask(login, "PROPFIND", DOSSIER, body=TAG, HTTP_DEPTH="0", **more)
    assert status == 207
    return body


def test_without_the_change_number_a_folder_would_keep_its_tag(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tag(ask, OTHER)
    with monkeypatch.context() as patch:
        stubborn(site._caches.outlines, patch)
        assert ask(EXPERT, "MKCOL", DOSSIER, "08 Plans", "Étages")[0] == 201
        assert tag(ask, OTHER) == before
    assert tag(ask, OTHER, **ANEW) != before


def test_a_tag_is_another_once_the_rights_are_others(ask: Ask, site: Site) -> None:
    """It is remembered by their revision, beside the outline of the folders."""
    before = tag(ask, OTHER)
    cut(site)
    assert tag(ask, OTHER) != before
