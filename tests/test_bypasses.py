"""Ways around the rules that once worked. Each stays closed."""

import itertools
import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests import rows
from tests.dav import Dav, Names
from tests.serving import Server, wait_for

DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
OTHER_DOSSIER = "2024-02 Époux NULLEPART contre Toitures du Néant"
BOXES = (DOSSIER, "04 Boîtes aux lettres")
BOX: Names = (*BOXES, "Cabinet QUARTZ-PLACEBO (Assur'Imaginaire)")
SECOND_BOX: Names = (OTHER_DOSSIER, "04 Boîtes aux lettres", BOX[-1])
OTHERS_BOX: Names = (*BOXES, "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)")
OTHERS_ARCHIVE: Names = (DOSSIER, "05 Archives", OTHERS_BOX[-1], "Pièces")
ARCHIVE: Names = (DOSSIER, "05 Archives", BOX[-1], "Pièces")
MAC = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
PDF = b"%PDF-1.4\n" + b"x" * 3_000
_numbers = itertools.count()


@pytest.fixture
def lawyer(demo: Server) -> Dav:
    return demo.dav("cabinet.quartz-placebo", agent=MAC)


@pytest.fixture
def folder(lawyer: Dav) -> Names:
    """An unfinished folder in the lawyer's box, with an unfinished piece in it."""
    path = (*BOX, f"dossier {next(_numbers)}")
    assert lawyer.mkcol(path).status == 201
    assert lawyer.put((*path, "p.pdf"), PDF).status == 201
    return path


def seen(person: Dav, path: Names) -> bool:
    return person.get(path).status == 200


@pytest.mark.parametrize(
    "target",
    [
        (*OTHERS_ARCHIVE, "f.tmp"),
        (*OTHERS_BOX, ".Trashes"),
        (DOSSIER, "f.tmp"),
        (*BOX, ".Trash-1000"),
        (*BOX, "f.pages.sb-ac6800a0-t3YBFI"),
        (*SECOND_BOX, "dossier"),
        (DOSSIER, "07 Photos et vidéos", "dossier"),
    ],
)
def test_an_unfinished_folder_does_not_leave_its_box(
    lawyer: Dav, folder: Names, target: Names
) -> None:
    assert lawyer.move(folder, target).status == 403
    assert lawyer.get((*folder, "p.pdf")).status == 200


def test_nothing_deposited_hides_in_a_temporary_folder(
    lawyer: Dav, expert: Dav, folder: Names
) -> None:
    trash = (*BOX, ".Trashes")
    lawyer.mkcol(trash)

    assert lawyer.move(folder, (*trash, "d")).status == 403
    wait_for(lambda: seen(expert, (*folder, "p.pdf")), 20, "the seal")
    assert lawyer.move(folder, (*trash, "d")).status == 403
    assert lawyer.move((*folder, "p.pdf"), (*trash, "p.pdf")).status == 403
    assert expert.move((*folder, "p.pdf"), (*trash, "p.pdf")).status in (403, 409)


def test_a_temporary_file_that_is_renamed_stays_temporary(
    demo: Server, lawyer: Dav, expert: Dav
) -> None:
    lawyer.put((*BOX, "x.tmp"), PDF)

    assert lawyer.move((*BOX, "x.tmp"), (*BOX, "y.tmp")).status == 201
    assert lawyer.move((*BOX, "y.tmp"), (*BOX, "Y.tmp")).status in (201, 204)
    time.sleep(4)
    assert not seen(expert, (*BOX, "y.tmp"))
    assert lawyer.get((*BOX, "y.tmp")).body == PDF
    names = [line["name"].lower() for line in demo.json("deposits", "list")]
    assert "y.tmp" not in names


def test_the_expert_may_not_bring_an_unfinished_folder_elsewhere(expert: Dav) -> None:
    own = (*BOX, f"au nom de {next(_numbers)}")
    expert.mkcol(own)
    expert.put((*own, "z.pdf"), PDF)

    notes = (DOSSIER, "03 Notes aux parties et comptes rendus", "dossier")
    assert expert.move(own, notes).status == 403


def test_a_filed_folder_can_be_taken_back(lawyer: Dav, expert: Dav, folder: Names) -> None:
    wait_for(lambda: seen(expert, (*folder, "p.pdf")), 20, "the seal")
    filed = (*ARCHIVE, folder[-1])

    assert expert.move(folder, filed).status == 201
    assert expert.get((*filed, "p.pdf")).body == PDF
    assert expert.move(filed, folder).status == 201
    assert expert.get((*folder, "p.pdf")).body == PDF
    assert lawyer.delete(folder).status == 403


def test_the_name_that_kept_two_files_apart_is_given_back(lawyer: Dav, expert: Dav) -> None:
    name = f"SCAN_{next(_numbers):04}.pdf"
    lawyer.put((*BOX, name), PDF)
    wait_for(lambda: seen(expert, (*BOX, name)), 20, "the seal")
    kept_both = (*ARCHIVE, name.replace(".pdf", " (2).pdf"))

    assert expert.move((*BOX, name), kept_both).status == 201
    assert expert.move(kept_both, (*BOX, name)).status == 201


def test_a_lock_that_was_never_given_back_does_not_keep_the_expert_from_filing(
    demo: Server, start: object
) -> None:
    server = start({"DAVSERVER_DEPOSIT__HELD_LOCK": "1"})  # type: ignore[operator]
    lawyer, expert = server.dav("cabinet.quartz-placebo"), server.dav("apolline.testard")
    lawyer.put((*BOX, "verrou.pdf"))
    held = lawyer.lock((*BOX, "verrou.pdf")).headers["lock-token"]
    lawyer.put((*BOX, "verrou.pdf"), PDF, If=f"({held})")
    wait_for(lambda: seen(expert, (*BOX, "verrou.pdf")), 20, "the seal")

    assert lawyer.request("LOCK", (*BOX, "verrou.pdf"), b"", {"If": f"({held})"}).status == 412
    assert expert.move((*BOX, "verrou.pdf"), (*ARCHIVE, "verrou.pdf")).status == 201


def slow(content: bytes, seconds: float) -> Iterator[bytes]:
    """The content in ten blocks over some time."""
    for start in range(0, len(content), len(content) // 10):
        yield content[start : start + len(content) // 10]
        time.sleep(seconds / 10)


def test_a_long_upload_is_not_refused_for_the_name_it_took_itself(lawyer: Dav) -> None:
    name = (*BOX, "lent.pdf")

    reply = lawyer.request(
        "PUT", name, slow(PDF * 10, 4), {"If-None-Match": "*", "Overwrite": "F"}, chunked=True
    )

    assert reply.status == 201
    assert lawyer.get(name).body == PDF * 10


def test_while_a_long_upload_runs_nobody_else_takes_its_name_and_it_is_not_sealed(
    demo: Server, lawyer: Dav, expert: Dav
) -> None:
    name = (*BOX, "très lent.pdf")
    statuses = []

    def watched() -> Iterator[bytes]:
        for block in slow(PDF * 10, 8):
            yield block
            statuses.append(expert.put(name, b"autre").status)

    # The expert's own attempts before the name is taken would make deposits of his: none is let.
    lawyer.put(name)
    reply = lawyer.request("PUT", name, watched(), chunked=True)

    assert reply.status == 204
    assert set(statuses) == {423}
    wait_for(lambda: seen(expert, name), 20, "the seal")
    assert expert.get(name).body == PDF * 10


def test_a_long_upload_with_a_token_does_not_take_a_name_whose_lock_has_gone(
    lawyer: Dav, expert: Dav
) -> None:
    name, elsewhere = (*BOX, "verrouillée.pdf"), (*BOX, "partie.pdf")
    assert lawyer.put(name, PDF).status == 201
    token = lawyer.lock(name).headers["lock-token"]

    def watched() -> Iterator[bytes]:
        for number, block in enumerate(slow(PDF * 10, 8)):
            if number == 1:
                assert lawyer.move(name, elsewhere).status == 201
            yield block

    reply = lawyer.request("PUT", name, watched(), {"If": f"({token})"}, chunked=True)

    assert reply.status == 412
    assert lawyer.get(name).status == 404
    assert lawyer.get(elsewhere).body == PDF
    wait_for(lambda: seen(expert, elsewhere), 20, "the seal")


def test_a_long_upload_that_passes_the_quota_ends_soon_and_leaves_no_name(start: object) -> None:
    server = start()  # type: ignore[operator]
    lawyer = server.dav("cabinet.quartz-placebo")
    listed = next(d for d in server.json("dossier", "list") if d["title"] == DOSSIER)
    used = listed["used"]
    quota = f"UPDATE dossier SET quota = {used + 1_000} WHERE title = '{DOSSIER}'"
    rows.alter(server.data, quota)

    def endless() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 100_000
            time.sleep(0.2)

    try:
        status = lawyer.request("PUT", (*BOX, "trop.pdf"), endless(), chunked=True).status
    except OSError:
        status = 507  # the server hung up on a client that was still sending
    assert status == 507
    assert lawyer.get((*BOX, "trop.pdf")).status == 404
    line = next(line for line in server.log().splitlines() if '"PUT"' in line and "507" in line)
    assert json.loads(line)["ms"] < 20_000  # of sixty seconds


def test_setting_aside_unfinished_files_is_bounded(start: object) -> None:
    server = start({"DAVSERVER_DEPOSIT__SIDE_FILE_QUOTA": "10000"})  # type: ignore[operator]
    lawyer = server.dav("cabinet.quartz-placebo")
    statuses = []
    for number in range(5):
        lawyer.put((*BOX, f"gros {number}.pdf"), PDF)
        statuses.append(lawyer.move((*BOX, f"gros {number}.pdf"), (*BOX, f"{number}.tmp")).status)

    assert statuses.count(201) == 3
    assert set(statuses[3:]) == {507}


def test_a_document_cannot_be_swallowed_as_litter_by_moving_or_copying_it(lawyer: Dav) -> None:
    lawyer.put((*BOX, "vraie.pdf"), PDF)

    assert lawyer.move((*BOX, "vraie.pdf"), (*BOX, "._vraie.pdf")).status == 403
    assert lawyer.copy((*BOX, "vraie.pdf"), (*BOX, "._vraie.pdf")).status == 403


def settled(look: Callable[[], bytes]) -> bytes:
    """What is seen once nothing has changed for some seconds: what came before is sealed by now."""
    seen, since = look(), time.monotonic()
    while time.monotonic() < since + 5:
        time.sleep(0.2)
        if (found := look()) != seen:
            seen, since = found, time.monotonic()
    return seen


def test_figures_and_dates_tell_nothing_of_what_others_have_not_finished(
    lawyer: Dav, demo: Server
) -> None:
    watcher = demo.dav("cabinet.ortie-lambda")
    body = (
        b'<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/>'
        b"<D:getlastmodified/></D:prop></D:propfind>"
    )
    before = settled(lambda: watcher.propfind(BOX, "0", body).body)

    lawyer.put((*BOX, "secret.pdf"), PDF)
    lawyer.lock((*BOX, "secret.pdf"))
    assert watcher.propfind(BOX, "0", body).body == before
    lawyer.delete((*BOX, "secret.pdf"))
    assert watcher.propfind(BOX, "0", body).body == before


def test_hidden_and_missing_names_get_the_same_answers(demo: Server) -> None:
    stranger = demo.dav("cabinet.zephyr-neant")  # in another expert's dossier only
    for deeper in ((), ("04 Boîtes aux lettres",), ("03 Notes aux parties et comptes rendus", "x")):
        hidden, missing = (DOSSIER, *deeper), ("2029-01 Personne contre Rien", *deeper)
        for method in ("GET", "HEAD", "PROPFIND", "OPTIONS", "PUT", "MKCOL", "DELETE", "LOCK",
                       "PROPPATCH", "UNLOCK"):  # fmt: skip
            headers = {"Lock-Token": "<opaquelocktoken:none>"} if method == "UNLOCK" else {}
            answers = [stranger.request(method, path, b"", headers) for path in (hidden, missing)]
            assert answers[0].status == answers[1].status, (method, deeper)
            assert answers[0].body == answers[1].body, (method, deeper)


def test_the_names_of_a_listing_are_spelt_as_the_client_spelt_them(expert: Dav) -> None:
    for spelling in ("/dav/Espace%20de%20l'expert/", "/dav/Espace%20de%20l%27expert/"):
        hrefs = [e.text or "" for e in expert.propfind(spelling).xml.iter("{DAV:}href")]
        assert hrefs[0] == spelling
        assert all(href.startswith(spelling) for href in hrefs)


def test_a_listing_of_a_thousand_long_names_is_one_that_windows_reads(start: object) -> None:
    server = start()  # type: ignore[operator]
    expert = server.dav("apolline.testard")
    folder = ("Espace de l'expert", "mille")
    expert.mkcol(folder)
    first = (*folder, "Pièce n°0000 - Procès-verbal de réception des travaux.pdf")
    expert.put(first, b"x")
    for number in range(1, 40):
        expert.copy(first, (*folder, first[-1].replace("0000", f"{number:04}")))

    size = len(expert.propfind(folder).body)

    assert size / 41 * 1_001 < 1_000_000
