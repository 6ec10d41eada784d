"""The server: processes, connections, and the framing of requests, around a WSGI application.

``workers`` is the parent process and ``child`` one of its workers. In a worker, ``waiting`` keeps
every ``connection`` until the head of a request is there, ``http_server`` gives it to cheroot's
threads, ``request`` serves it: ``head`` reads its head, ``bodies`` its body, ``gateway`` calls the
application. What is not plainly one request (RFC 9112) is refused before any application sees it.
"""

from davserver.server.bodies import BodyTooLarge, BrokenBody
from davserver.server.listening import CannotListen, Listening, Worker, WSGIApplication
from davserver.server.streams import ClientGone, ClientTooSlow
from davserver.server.workers import serve

__all__ = [
    "BodyTooLarge",
    "BrokenBody",
    "CannotListen",
    "ClientGone",
    "ClientTooSlow",
    "Listening",
    "WSGIApplication",
    "Worker",
    "serve",
]
