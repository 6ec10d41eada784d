"""A mail server that is away or refuses: no mail is lost, and no mail waits for another."""

import socket
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server

from davserver.model import RecipientState
from tests import mail_queue
from tests.mail_queue import FAR, NOON, MailServer, Site

server, site = mail_queue.server, mail_queue.site  # fixtures


def test_without_a_mail_server_the_queue_stays_as_it_is(site: Site, server: MailServer) -> None:
    site.mail["host"] = ""
    site.members(2)

    assert site.send() == 0
    assert {(row.state, row.attempts) for row in site.rows().values()} == {
        (RecipientState.QUEUED, 0)
    }


def test_a_dead_mail_server_loses_nothing_and_all_arrive_once(
    site: Site, server: MailServer
) -> None:
    people = site.members(8)
    server.stop()
    for _ in range(5):
        assert site.send() == 1  # one knock at the door a round
        site.clock.advance(timedelta(seconds=10))
    tried = [row for row in site.rows().values() if row.attempts]
    assert len(tried) == 5
    assert {row.state for row in tried} == {RecipientState.QUEUED}
    assert "connexion refusée" in tried[0].outcome

    server.start()
    site.send()
    site.clock.advance(FAR)
    site.send()

    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 8}


@pytest.mark.parametrize("host", ["a" * 70, "serveur.invalid"])
def test_a_mail_server_without_address_loses_nothing(site: Site, host: str) -> None:
    (person,) = site.members(1)
    site.mail["host"] = host

    assert site.send() == 1
    assert site.rows()[person].state is RecipientState.QUEUED
    assert "injoignable" in site.rows()[person].outcome


def test_a_silent_mail_server_is_left_after_a_second_at_the_shortest(site: Site) -> None:
    (person,) = site.members(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.mail |= {"port": silent.getsockname()[1], "timeout": 0}
        assert site.send() == 1

    row = site.rows()[person]
    assert row.state is RecipientState.QUEUED
    assert "pas répondu à temps" in row.outcome


def test_a_temporary_refusal_is_tried_again_and_others_do_not_wait(
    site: Site, server: MailServer
) -> None:
    people = site.members(3)
    server.inbox.to_rcpt[people[0]] = ["450 4.2.1 boîte occupée"]
    server.inbox.to_data[people[1]] = ["451 4.3.0 plus tard"]

    assert site.send() == 3
    assert server.inbox.count() == Counter(people[2:])
    waiting = site.rows()[people[0]]
    assert (waiting.state, waiting.attempts) == (RecipientState.QUEUED, 1)
    assert waiting.retry_at == NOON + timedelta(seconds=60)
    assert waiting.outcome == "450 4.2.1 boîte occupée"

    assert site.send() == 0
    site.clock.advance(timedelta(seconds=60))
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 3}


def test_pauses_double_up_to_the_longest_and_then_it_is_given_up(
    site: Site, server: MailServer
) -> None:
    site.mail |= {"retry_first": 60, "retry_most": 200, "give_up_after": 600}
    (person,) = site.members(1)
    server.inbox.to_rcpt[person] = ["450 plus tard"] * 20
    pauses = []
    while (row := site.rows()[person]).state is RecipientState.QUEUED:
        pauses.append((row.retry_at - site.clock()).total_seconds())
        site.clock.time = row.retry_at
        assert site.send() == 1

    assert pauses == [0, 60, 120, 200, 200, 200]
    assert row.state is RecipientState.FAILED
    assert row.outcome == "abandonné après 6 essais : 450 plus tard"


def test_a_permanent_refusal_fails_alone(site: Site, server: MailServer) -> None:
    people = site.members(4)
    server.inbox.to_rcpt[people[0]] = ["550 5.1.1 adresse\tinconnue " + "x" * 450]
    server.inbox.to_data[people[1]] = ["554 5.7.1 message refusé"]

    assert site.send() == 4
    site.clock.advance(FAR)
    assert site.send() == 0

    assert server.inbox.count() == Counter(people[2:])
    assert site.states() == {RecipientState.SENT: 2, RecipientState.FAILED: 2}
    refused = site.rows()[people[0]]
    assert refused.outcome.startswith("550 5.1.1 adresse inconnue xxx")
    assert len(refused.outcome) == 400
    assert refused.sent_at is None


def test_a_refused_sender_concerns_every_mail_and_loses_none(
    site: Site, server: MailServer
) -> None:
    people = site.members(3)
    server.inbox.to_mail = ["550 5.7.1 expéditeur refusé"]

    assert site.send() == 1
    assert site.states() == {RecipientState.QUEUED: 3}
    site.clock.advance(FAR)
    assert site.send() == 3
    assert server.inbox.count() == Counter(people)


def test_a_server_that_closes_down_ends_the_round(site: Site, server: MailServer) -> None:
    people = site.members(3)
    server.inbox.to_rcpt[people[1]] = ["421 4.3.2 je ferme"]

    assert site.send() == 2
    assert server.inbox.count() == Counter(people[:1])
    assert site.rows()[people[2]].attempts == 0
    site.clock.advance(FAR)
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)


def test_a_connection_lost_between_two_mails_is_made_again(tmp_path: Path) -> None:
    # The server hangs up after each mail, as some do after a number of them.
    class Curt(Server):
        async def smtp_RSET(self, arg: str) -> None:
            assert self.transport is not None
            self.transport.close()

    class CurtController(Controller):
        def factory(self) -> Server:
            return Curt(self.handler, **self.SMTP_kwargs)

    curt = MailServer()
    curt.controller = CurtController(curt.inbox, hostname="127.0.0.1", port=curt.port)
    curt.controller.start()
    site = Site(tmp_path, curt.port)
    people = site.members(3)

    assert site.send() == 3
    assert curt.inbox.count() == Counter(people)
    assert curt.inbox.greetings == 3
    site.database.close()
    curt.stop()
