"""Competitors at a real server of two processes: each with connections of his own, all at once."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.model.playing import Company
from tests.model.site import Box, TimedSite
from tests.model.tree import AUTHOR, PEOPLE, Path, Request, composed
from tests.races.serial import Answer, Deed, View

JITTER = 0.004  # seconds by which competitors start apart, at most


class Arena:
    """The site, and ``most`` competitors."""

    def __init__(self, site: TimedSite, contents: Sequence[bytes], most: int = 3) -> None:
        self.site = site
        self.first = Company(site.server.url)
        self.companies = [Company(site.server.url) for _ in range(most)]
        self._pool = ThreadPoolExecutor(most)
        box = site.fresh()
        for number, content in enumerate(contents):
            _, reply = self.first.ask(
                box, Request(AUTHOR, "PUT", ("box", f"{number}.pdf"), body=content)
            )
            tag = reply.headers["etag"]
            for company in (self.first, *self.companies):
                company.tags[content] = tag
        self._contents = {tag: content for content, tag in self.first.tags.items()}

    def close(self) -> None:
        self._pool.shutdown()
        for company in (self.first, *self.companies):
            company.close()

    def alone(self, box: Box, request: Request) -> Answer:
        """One request, with nobody beside."""
        outcome, reply = self.first.ask(box, request)
        return Answer(outcome, reply.headers.get("lock-token", "").strip("<>"))

    def at_once(
        self, box: Box, deeds: Sequence[Deed], names: Sequence[str], chance: random.Random
    ) -> list[Answer]:
        """What each competitor is answered; a seal is of what is due under ``names``."""
        barrier = Barrier(len(deeds))

        def compete(company: Company, deed: Deed, late: float) -> Answer:
            barrier.wait()
            time.sleep(late)
            if deed.request is None:
                self.site.settle(names)
                return Answer("")
            outcome, reply = company.ask(box, deed.request)
            return Answer(outcome, reply.headers.get("lock-token", "").strip("<>"))

        begun = [
            self._pool.submit(compete, company, deed, chance.random() * JITTER)
            for company, deed in zip(self.companies, deeds, strict=False)
        ]
        return [competitor.result() for competitor in begun]

    def view(self, box: Box, places: Sequence[str], names: Sequence[str]) -> View:
        """What everybody finds listed under ``names`` in these places."""
        found: View = {who: {} for who in PEOPLE}
        for place in places:
            for who, listing in self.first.listings(
                dict.fromkeys(PEOPLE, box.places[place])
            ).items():
                assert listing is not None
                for name, facts in listing.items():
                    if composed(name) in names:
                        path: Path = (place, composed(name))
                        found[who][path] = None if facts is None else self._contents[facts[0]]
        return found
