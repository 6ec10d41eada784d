"""Three people do whatever they like to a mailbox; the server never differs from the model.

In short here; ``./run model`` is the long form. The seed is printed; ``--hypothesis-seed`` repeats.
"""

import hashlib
import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests import backends
from tests.model.mailbox import Mailbox
from tests.model.playing import Company, Listing, Witness
from tests.model.site import TimedSite
from tests.model.tree import (
    AUTHOR,
    DAVFS2,
    EXPERT,
    FINDER,
    OTHER,
    PEOPLE,
    WINDOWS,
    Path,
    Request,
    composed,
    key_of,
)  # fmt: skip

RUNS = int(os.environ.get("MODEL_RUNS", "20" if backends.is_scaled() else "60"))
STEPS = 50
# A difference is told as it was found first: to find its shortest form may take half an hour.
PHASES = [Phase.generate, Phase.shrink] if "MODEL_SHRINK" in os.environ else [Phase.generate]

A, B = b"Contenu de la piece, premiere version.", b"Contenu de la piece, seconde version, autre."
CONTENTS = (b"", A, B)
# Two names in several forms (a Mac's accents, capitals), a folder, side files.
ACCENTS, PLAIN, FOLDER = "Pièce é.pdf", "b.pdf", "Dossier"
FORMS = (ACCENTS, "Pie\u0300ce e\u0301.pdf", "PIÈCE É.PDF", PLAIN, "B.pdf")
NAMES: tuple[Path, ...] = (
    *(("box", name) for name in (*FORMS, PLAIN, FOLDER, "x.tmp", "._a")),
    ("box", FOLDER, PLAIN),
    ("box", FOLDER, "x.tmp"),
)
# No sum of these is a whole number of seconds, as all delays are: nothing falls on the very moment.
WAITS = (1.000037, 15.000101, 25.000211, 70.000307, 70.000353, 130.000401, 612.000503, 3_677.000601,
         90_007.000701)  # fmt: skip

_who = st.sampled_from((AUTHOR, AUTHOR, AUTHOR, EXPERT, EXPERT, OTHER))
_path = st.sampled_from(NAMES)
_agent = st.sampled_from((WINDOWS, FINDER, DAVFS2))
_content = st.sampled_from((b"", A, A, B))
_token = st.sampled_from(("", "", "here", "here", "last", "first", "invented"))
_timeout = st.sampled_from((10.0, 600.0, 3_600.0, 90_000.0))
_yes = st.booleans()
INVENTED = "opaquelocktoken:00000000-0000-4000-8000-000000000000"


class Machine(RuleBasedStateMachine):
    """One run: a fresh mailbox, then whatever Hypothesis thinks of."""

    site: TimedSite
    company: Company

    def __init__(self) -> None:
        super().__init__()
        self.company.close()  # whatever the run before has left unread
        self.box = self.site.fresh()
        self.model = Mailbox()
        self.witness = Witness()
        self.tokens: list[tuple[str, str]] = []
        self.plans = 0

    @rule(who=st.sampled_from((AUTHOR, AUTHOR, EXPERT)), path=_path, body=st.sampled_from((A, B)))
    def deposit(self, who: str, path: Path, body: bytes) -> None:
        """The plainest way; without it few runs would come to a seal."""
        self._play(Request(who, "PUT", path, body=body))

    @rule(
        who=_who, path=_path, agent=_agent, body=_content, token=_token,
        way=st.sampled_from(("whole", "whole", "whole", "chunked", "cut")),
        free=st.sampled_from(("", "", "", "If-None-Match", "Overwrite")),
        match=st.sampled_from((None, None, None, *CONTENTS)),
    )  # fmt: skip
    def put(
        self, who: str, path: Path, agent: str, body: bytes, token: str, way: str, free: str,
        match: bytes | None,
    ) -> None:  # fmt: skip
        way = way if body or way == "chunked" else "whole"
        self._play(
            Request(who, "PUT", path, agent, body, way, free, match, self._known(token, path))
        )

    @rule(
        who=_who, path=_path, agent=_agent, exclusive=_yes, timeout=_timeout,
        free=st.sampled_from(("", "", "If-None-Match")),
    )  # fmt: skip
    def lock(
        self, who: str, path: Path, agent: str, exclusive: bool, timeout: float, free: str
    ) -> None:
        self._play(Request(
            who, "LOCK", path, agent, free=free, exclusive=exclusive, timeout=timeout
        ))  # fmt: skip

    @precondition(lambda self: self.tokens)
    @rule(
        who=_who, path=_path, agent=_agent, token=_token, timeout=st.sampled_from((10.0, 3_600.0))
    )
    def refresh(self, who: str, path: Path, agent: str, token: str, timeout: float) -> None:
        token = self._known(token or "here", path)
        self._play(Request(who, "REFRESH", path, agent, token=token, timeout=timeout))

    @rule(who=_who, path=_path, agent=_agent, token=_token)
    def unlock(self, who: str, path: Path, agent: str, token: str) -> None:
        self._play(Request(who, "UNLOCK", path, agent, token=self._known(token or "here", path)))

    @rule(who=_who, path=_path, agent=_agent, token=_token, dates=_yes)
    def proppatch(self, who: str, path: Path, agent: str, token: str, dates: bool) -> None:
        token = self._known(token, path)
        self._play(Request(who, "PROPPATCH", path, agent, token=token, dates=dates))

    @rule(
        who=_who, method=st.sampled_from(("MOVE", "MOVE", "COPY")), path=_path, to=_path,
        agent=_agent, token=_token, overwrite=_yes,
    )  # fmt: skip
    def transfer(
        self, who: str, method: str, path: Path, to: Path, agent: str, token: str, overwrite: bool
    ) -> None:
        token = self._known(token, path)
        self._play(Request(who, method, path, agent, token=token, to=to, overwrite=overwrite))

    @rule(
        who=_who, method=st.sampled_from(("MOVE", "MOVE", "COPY")), path=_path,
        place=st.sampled_from(("archive", "archive", "plans")), renamed=_yes, overwrite=_yes,
    )  # fmt: skip
    def take_out(
        self, who: str, method: str, path: Path, place: str, renamed: bool, overwrite: bool
    ) -> None:
        node = self.model.find(who, path).node
        name = path[-1] if node is None or renamed else node.name
        if place == "plans":
            self.plans += 1
            name = f"{self.plans} {name}".replace(".tmp", ".pdf")
        self._play(Request(who, method, path, to=(place, name), overwrite=overwrite))

    @rule(who=_who, path=_path, agent=_agent, token=_token)
    def delete(self, who: str, path: Path, agent: str, token: str) -> None:
        self._play(Request(who, "DELETE", path, agent, token=self._known(token, path)))

    @rule(who=_who, path=_path)
    def mkcol(self, who: str, path: Path) -> None:
        self._play(Request(who, "MKCOL", path))

    @rule(who=_who, method=st.sampled_from(("GET", "HEAD", "PROPFIND", "OPTIONS")), path=_path)
    def read(self, who: str, method: str, path: Path) -> None:
        self._play(Request(who, method, path))

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        self.site.wait(seconds)
        self.model.wait(seconds)
        self._look(*PEOPLE)

    def teardown(self) -> None:
        """A day later everything is sealed or gone."""
        for _ in range(2):
            self.wait(WAITS[-1])
        expected = sorted(hashlib.sha256(content).hexdigest() for content in self.model.deposits)
        found = self.site.sealed(self.box)
        assert [number for number, _ in found] == list(range(1, len(expected) + 1))
        assert sorted(sha256 for _, sha256 in found) == expected
        for who in PEOPLE:
            for path, content in self.model.seen(who).items():
                if content is not None:
                    _, reply = self.company.ask(self.box, Request(who, "GET", path))
                    assert reply.body == content, path

    def _known(self, token: str, path: Path) -> str:
        """A token by its description."""
        if not token or token == "invented":
            return INVENTED if token else ""
        known = [
            value for value, key in self.tokens if token != "here" or key == key_of(path[-1])
        ]  # fmt: skip
        return known[0 if token == "first" else -1] if known else INVENTED

    def _play(self, request: Request) -> None:
        spot = self.model.find(request.who, request.path)
        if spot.node is not None and spot.node.is_folder:
            if request.method in ("LOCK", "REFRESH", "UNLOCK"):
                return  # the statement says nothing of locks on folders
        outcome, reply = self.company.ask(self.box, request)
        token = reply.headers.get("lock-token", "").strip("<>")
        expected = self.model.answer(request, token)
        assert outcome in expected, (
            f"run {self.site.made}, {request}: {outcome}, not {sorted(expected)}"
        )
        if token:
            self.tokens.append((token, key_of(request.path[-1])))
        if request.method == "GET" and outcome == "200" and spot.node and not spot.node.is_folder:
            assert reply.body == spot.node.content
        if outcome == "201" and request.to[:1] == ("archive",):
            if request.method == "MOVE":
                self.witness.follow(request.path, request.to)
        # Whoever asked, and somebody who only reads; the third looks when time has passed.
        self._look(request.who, OTHER)

    def _look(self, *people: str) -> None:
        """Compare what each of ``people`` finds listed with what the model says, folder by
        folder."""
        views = {who: self.model.seen(who) for who in people}
        folders = {path[:-1] for view in views.values() for path in view}
        folders |= {
            path for view in views.values() for path, facts in view.items() if facts is None
        }
        for folder in folders | {("box",)}:
            self._compare(folder, views)

    def _compare(self, folder: Path, views: dict[str, dict[Path, bytes | None]]) -> None:
        place = (*self.box.places[folder[0]], *folder[1:])
        people = [who for who in views if len(folder) == 1 or folder in views[who]]
        for who, listing in self.company.listings(dict.fromkeys(people, place)).items():
            assert listing is not None, f"{who} does not find {folder}"
            expected = {
                path[-1]: content for path, content in views[who].items() if path[:-1] == folder
            }
            assert self._named(listing) == expected, (
                f"run {self.site.made}: {folder} as {who} sees it"
            )
            if who == OTHER:
                self.witness.look(folder, listing)

    def _named(self, listing: Listing) -> dict[str, bytes | None]:
        """A listing with the content in the place of the entity tag."""
        contents = {tag: content for content, tag in self.company.tags.items()}
        found: dict[str, bytes | None] = {}
        for name, facts in listing.items():
            content = None if facts is None else contents[facts[0]]
            assert facts is None or content is None or len(content) == facts[1]
            found[composed(name)] = content
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("model"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def machine(site: TimedSite) -> Iterator[type[Machine]]:
    """The machine at the server; it knows the entity tag of each content."""
    company = Company(site.server.url)
    box = site.fresh()
    for content in CONTENTS:
        _, reply = company.ask(box, Request(AUTHOR, "PUT", ("box", PLAIN), body=content))
        company.tags[content] = reply.headers["etag"]
    assert len(set(company.tags.values())) == len(CONTENTS)
    Machine.site, Machine.company = site, company
    yield Machine
    company.close()


@pytest.mark.timeout(120 + 12 * RUNS)  # seconds; a run takes about one where nothing else runs
def test_the_server_never_differs_from_the_model(
    machine: type[Machine], pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    given = pytestconfig.getoption("--hypothesis-seed")
    number = random.getrandbits(32) if given in (None, "random") else int(given)
    with capsys.disabled():
        print(f"\n{RUNS} runs of {STEPS} steps, --hypothesis-seed={number}")
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None,
            derandomize=False, report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck), phases=PHASES,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("use", ["put", "proppatch"])
def test_a_lock_that_was_used_a_minute_ago_is_not_taken_over(
    machine: type[Machine], use: str
) -> None:
    run, name = machine(), ("box", PLAIN)
    run.lock(AUTHOR, name, WINDOWS, True, 600.0, "")
    run.wait(70.000307)
    if use == "put":
        run.put(AUTHOR, name, WINDOWS, A, "here", "whole", "", None)
    else:
        run.proppatch(AUTHOR, name, WINDOWS, "here", True)
    run.wait(70.000307)
    run.lock(AUTHOR, name, WINDOWS, True, 600.0, "")


def test_a_courtesy_lock_is_short_and_stays_so(machine: type[Machine]) -> None:
    run, name = machine(), ("box", PLAIN)
    run.deposit(AUTHOR, name, A)
    run.wait(130.000401)
    run.lock(AUTHOR, name, WINDOWS, True, 3_600.0, "")
    run.wait(70.000353)
    run.refresh(AUTHOR, name, WINDOWS, "here", 3_600.0)
    run.wait(130.000401)
    run.refresh(AUTHOR, name, WINDOWS, "here", 3_600.0)
    run.wait(612.000503)
    run.refresh(AUTHOR, name, WINDOWS, "here", 3_600.0)


def test_the_expert_files_no_folder_that_holds_his_own_unfinished_deposit(
    machine: type[Machine],
) -> None:
    run = machine()
    run.mkcol(AUTHOR, ("box", FOLDER))
    run.deposit(AUTHOR, ("box", FOLDER, PLAIN), A)
    run.wait(70.000307)
    run.deposit(EXPERT, ("box", FOLDER, ACCENTS), B)
    run.take_out(EXPERT, "MOVE", ("box", FOLDER), "archive", False, False)
