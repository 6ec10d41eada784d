"""The server: processes, connections, and the framing of requests, around a WSGI application.

``workers`` is the parent process and ``child`` one of its workers; ``following`` has new ones take
the places of old ones, also of one whose ``weight`` is too much. In a worker, ``waiting`` keeps
every ``connection`` until the head of a request is there, and takes the ``leftover`` of a body that
was refused; ``addresses`` keeps one client from having all. ``http_server`` gives the connection to
cheroot's threads, ``request`` serves it: ``head`` reads its head, ``bodies`` its body, ``gateway``
calls the application. What is not plainly one request (RFC 9112) is refused before any application
sees it.

An application reads its body from ``wsgi.input``, if it wants it, before it sends anything:

- ``read(n)`` waits for n bytes and gives fewer only at the end. A body with a Content-Length that
  is cut off ends early, so lengths are to be compared; a chunked one raises BrokenBody, and
  BodyTooLarge past ``max_body_bytes``. A client that is slow or gone raises ClientTooSlow or
  ClientGone. All are OSErrors; left alone they are answered by 400, 413, 408 or not at all.
- The first read sends ``100 Continue``: an answer without one spares the client its upload.
- Of a body that is not read, up to 512 MiB is thrown away by the waiting loop, which holds no
  thread for it, and the connection lives on; more, or one that the client has not begun to send,
  and it closes, once the client had time to read the answer.
"""

from davserver.server.alone import alone
from davserver.server.bodies import BodyTooLarge, BrokenBody
from davserver.server.listening import CannotListen, Listening, NotRenewed, Worker, WSGIApplication
from davserver.server.streams import ClientGone, ClientTooSlow
from davserver.server.workers import serve

__all__ = [
    "BodyTooLarge",
    "BrokenBody",
    "CannotListen",
    "ClientGone",
    "ClientTooSlow",
    "Listening",
    "NotRenewed",
    "WSGIApplication",
    "Worker",
    "alone",
    "serve",
]
