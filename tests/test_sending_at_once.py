"""Many processes on one queue, killed or late: no mail is lost, a second one has the same id."""

import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from davserver.alerts.sending import send_due
from davserver.model import RecipientState
from davserver.model.database import Database
from davserver.settings import MailSettings, Settings
from tests import mail_queue
from tests.mail_queue import FAR, NOON, Clock, MailServer, Site

server, site = mail_queue.server, mail_queue.site  # fixtures


def test_many_senders_at_once_send_each_mail_once(site: Site, server: MailServer) -> None:
    people = site.members(60)
    server.inbox.pace = 0.02
    others = [site.elsewhere() for _ in range(2)]
    databases = [Database(site.url) for _ in range(3)]
    while not server.inbox.taken:
        time.sleep(0.01)
    with ThreadPoolExecutor() as pool:
        tried = list(
            pool.map(lambda database: send_due(database, site.settings, site.clock), databases)
        )
    assert [other.wait(60) for other in others] == [0, 0]
    for database in databases:
        database.close()

    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 60}
    assert sum(tried) > 0


def test_a_process_killed_before_the_answer_sends_that_mail_again_under_the_same_id(
    site: Site, server: MailServer
) -> None:
    people = site.members(4)
    server.inbox.holds.set()
    victim = site.elsewhere()
    assert server.inbox.held.wait(60)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    server.inbox.holds.clear()
    server.inbox.freed.set()

    # The lease of the dead still holds: its mail waits, the others go.
    assert site.rows()[people[0]].state is RecipientState.SENDING
    assert site.send() == 3
    assert site.send() == 0
    site.clock.advance(FAR)
    assert site.send() == 1

    twice = server.inbox.mails(people[0])
    assert len(twice) == 2
    assert twice[0]["Message-ID"] == twice[1]["Message-ID"]
    assert twice[0]["Subject"] == twice[1]["Subject"]
    assert server.inbox.count() == Counter(people[:1] + people)
    assert site.states() == {RecipientState.SENT: 4}
    assert site.rows()[people[0]].attempts == 2


def test_a_process_killed_while_it_waits_for_the_connection_loses_nothing(
    site: Site, server: MailServer
) -> None:
    people = site.members(2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, site.mail["port"] = site.mail["port"], silent.getsockname()[1]
        victim = site.elsewhere()
        connection, _ = silent.accept()
        victim.kill()
        victim.wait()
        connection.close()
    site.mail["port"] = port

    assert site.send() == 1
    site.clock.advance(FAR)
    assert site.send() == 1
    assert server.inbox.count() == Counter(people)


def test_a_late_failure_does_not_undo_what_another_process_has_sent(
    site: Site, server: MailServer
) -> None:
    (person,) = site.members(1)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        slow = Settings(mail=MailSettings(**site.mail | {"port": silent.getsockname()[1]}))
        late = pool.submit(send_due, site.database, slow, Clock())
        connection, _ = silent.accept()
        site.clock.advance(FAR)
        assert site.send() == 1
        connection.close()
        assert late.result() == 1

    row = site.rows()[person]
    assert (row.state, row.sent_at) == (RecipientState.SENT, NOON + FAR)
    assert row.outcome.startswith("250")
    site.clock.advance(FAR)
    assert site.send() == 0
