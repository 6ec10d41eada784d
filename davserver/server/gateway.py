"""The WSGI side of a request (PEP 3333)."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cheroot.wsgi import Gateway_10

if TYPE_CHECKING:
    from davserver.server.request import Request

_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Gateway(Gateway_10):
    """Calls the application; what it answers is sent whole, or is visibly cut.

    cheroot's own sends an answer as complete when its application fails after ``start_response``,
    and lets an answer be shorter or longer than its Content-Length.
    """

    req: "Request"

    def __init__(self, req: "Request") -> None:
        """Prepare the environ: cheroot's, with this server's name, and what it promises more."""
        super().__init__(req)
        self.env["SERVER_NAME"] = req.server.bind_addr[0]
        self.env["wsgi.input_terminated"] = True
        self.env["wsgi.multiprocess"] = True

    def respond(self) -> None:
        """Run the application to its end. Raises what it raises, and ValueError for an answer that
        does not keep to its Content-Length."""
        answer = self.req.server.wsgi_app(self.env, self.start_response)
        try:
            for block in answer:
                if block:
                    self.write(block)
            if not self.started_response:
                raise RuntimeError("the application has not called start_response")
            self.req.ensure_headers_sent()
        finally:
            if hasattr(answer, "close"):
                answer.close()
        if self.remaining_bytes_out and not self.req.bodiless:
            raise ValueError("the answer is shorter than its Content-Length")

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Keep the head of the answer. Raises ValueError for one that would be read otherwise."""
        if any(
            _UNSENDABLE.search(text) for text in (status, *(t for pair in headers for t in pair))
        ):
            raise ValueError("control character in the head of an answer")
        if exc_info and not self.req.sent_headers:
            self.req.outheaders = []
            self.remaining_bytes_out = None
        write: Callable[[bytes], None] = super().start_response(status, headers, exc_info)
        return write

    def write(self, block: bytes) -> None:
        """Send ``block``, after the head; to HEAD, 204 and 304 nothing is sent."""
        if not self.started_response:
            raise RuntimeError("the application has not called start_response")
        left = self.remaining_bytes_out
        if left is not None and len(block) > left:
            raise ValueError("the answer is longer than its Content-Length")
        self.req.ensure_headers_sent()
        if self.req.bodiless:
            return
        if left is not None:
            self.remaining_bytes_out = left - len(block)
        self.req.write(block)
