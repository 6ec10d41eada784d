"""One request and its answer, between cheroot's connection and the WSGI gateway."""

import io
import logging
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from cheroot.server import HTTPRequest

from davserver.server.bodies import BodyTooLarge, BrokenBody, ChunkedBody, SizedBody
from davserver.server.head import BAD_REQUEST, Head, RefusedRequest, parse_head
from davserver.server.leftover import DISCARDED
from davserver.server.streams import ClientGone, ClientTooSlow

if TYPE_CHECKING:
    from davserver.server.connection import Connection

log = logging.getLogger("davserver.server")

_READ_BUFFER = 65_536  # bytes between the socket and an application that reads little at once
_TOO_LARGE = "413 Content Too Large"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request(HTTPRequest):
    """A request that cheroot's gateway can serve, parsed and answered by the rules of this package.

    What cheroot's own would do is replaced: it answers ``100 Continue`` unasked, reads the rest of
    a refused body into memory, and takes for a request what RFC 9112 says is none.
    """

    conn: "Connection"
    method = b""  # until a head could be read
    body: SizedBody | ChunkedBody
    bodiless = False  # True once an answer is under way that has no body by its status or method

    def answer(self) -> bool:
        """Parse, serve, and answer in any case; whether the next request can follow.

        Never raises: whatever an application raises is logged in one line and answered by an
        empty 500, if its own answer has not begun; the connection closes then.
        """
        try:
            self.parse_request()
            self.respond()
            return not self.close_connection
        except RefusedRequest as refusal:
            log.info("%s: %s: %s", self.conn.remote_addr, refusal.status, refusal)
            self._refuse(refusal.status, str(refusal))
        except BodyTooLarge:
            self._refuse(_TOO_LARGE)
        except BrokenBody as error:
            self._refuse(BAD_REQUEST, str(error))
        except ClientTooSlow:
            self._refuse("408 Request Timeout")
        except ClientGone:
            pass
        except BaseException as error:  # a SystemExit would else stop the whole worker
            log.error("%s failed: %s", self.method.decode("ascii"), where(error))
            self._refuse("500 Internal Server Error")
        return False

    def parse_request(self) -> None:
        """Take the head that the connection has collected. Raises RefusedRequest."""
        if self.conn.plain_on_tls:
            raise RefusedRequest(BAD_REQUEST, "this port speaks HTTPS only")
        head = parse_head(self.conn.head)
        self.method, self.uri = head.method, head.target
        self.path, self.qs = head.path, head.query
        self.inheaders = head.fields
        self.request_protocol = b"HTTP/%d.%d" % head.version
        self.response_protocol = self.request_protocol.decode("ascii")
        self.scheme = b"https" if self.conn.secure else b"http"
        self.chunked_read = head.length is None
        self.close_connection = not head.keep_alive
        self.body = self._body(head)
        self.rfile = io.BufferedReader(self.body, _READ_BUFFER)

    def respond(self) -> None:
        """Call the application and send what it answers. Raises what it raises."""
        self.server.gateway(self).respond()
        if self.chunked_write and not self.bodiless:
            self.conn.wfile.write(b"0\r\n\r\n")
        self.conn.wfile.flush()

    def send_headers(self) -> None:
        """Settle what becomes of the request's body and how the answer ends; then send its head.

        The head leaves with the first block of the body, or at the end of ``respond``.
        """
        status = int(self.status[:3])
        self.bodiless = self.method == b"HEAD" or status < 200 or status in {204, 304}
        fields = [(name, value) for name, value in self.outheaders if name.lower() != b"connection"]
        names = {name.lower() for name, _ in fields}
        asked = b",".join(
            value.lower() for name, value in self.outheaders if name.lower() == b"connection"
        )
        body_ends = self.body.abandon(DISCARDED)
        if not body_ends or b"close" in asked or not self.server.ready:
            self.close_connection = True
        if b"content-length" not in names and not self.bodiless:
            if self.response_protocol == "HTTP/1.1":
                self.chunked_write = True
                fields.append((b"Transfer-Encoding", b"chunked"))
            else:
                self.close_connection = True
                body_ends = False  # the answer's own end is the close: it must not wait
        if body_ends:
            self.conn.leave(self.body)
        if self.close_connection:
            fields.append((b"Connection", b"close"))
        elif self.response_protocol == "HTTP/1.0":
            fields.append((b"Connection", b"keep-alive"))
        if b"date" not in names:
            fields.append((b"Date", _date(int(time.time())).encode("ascii")))
        if b"server" not in names:
            fields.append((b"Server", self.server.server_name.encode("ascii")))
        lines = [b"HTTP/1.1 " + cast(bytes, self.status)]
        lines += [name + b": " + value for name, value in fields]
        self.conn.wfile.hold(b"\r\n".join(lines) + b"\r\n\r\n")

    def _body(self, head: Head) -> SizedBody | ChunkedBody:
        most = self.server.max_request_body_size
        incoming = self.conn.rfile
        incoming.begin_body(self.conn.pace())
        invite = self._invite if head.expects_continue else None
        if head.length is None:
            return ChunkedBody(incoming, most, invite)
        if head.length > most:
            raise RefusedRequest(_TOO_LARGE, "the body passes the largest size")
        return SizedBody(incoming, head.length, invite)

    def _invite(self) -> None:
        self.conn.wfile.write(_CONTINUE)

    def _refuse(self, status: str, reason: str = "") -> None:
        """Answer ``status`` if no answer has begun. The connection is to be closed after it."""
        if self.sent_headers:
            return
        self.sent_headers = True
        text = f"{reason}\n".encode("ascii") if reason and self.method != b"HEAD" else b""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\nConnection: close\r\n"
            f"Date: {_date(int(time.time()))}\r\nServer: {self.server.server_name}\r\n\r\n"
        )
        try:
            self.conn.wfile.write(head.encode("ascii") + text)
        except (ClientGone, ClientTooSlow):
            log.debug("%s left before its answer", self.conn.remote_addr)


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    """A moment, in seconds since 1970, as HTTP writes it: once for all answers of a second."""
    return formatdate(now, usegmt=True)


def where(error: BaseException) -> str:
    """An exception in one line: its type and place. Its text may name people and pieces."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = f" at {step.tb_frame.f_globals.get('__name__')}:{step.tb_lineno}" if step else ""
    return type(error).__name__ + place
