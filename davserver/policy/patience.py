"""A bound on the time of a third party's policy: one that hangs has refused."""

from collections.abc import Callable
from threading import Event, Thread

from davserver.policy import Decision

PATIENCE = 5.0  # seconds that a policy may think about one act

Moment = Callable[..., Decision | None]


class NoAnswer(Exception):
    """The policy raised something, has not answered in time, or is not back from what it was asked
    before."""


class Bounded:
    """A moment of a policy, asked on a thread of its own.

    Python cannot end a thread, so the one of a policy that hangs stays behind; it has facts alone,
    no transaction and no connection. Until it comes back the policy is not asked again: it refuses
    at once, and the request that it held up has waited ``seconds``, no more.
    """

    def __init__(self, moment: Moment, seconds: float = PATIENCE) -> None:
        self._moment = moment
        self._seconds = seconds
        self._behind: _Question | None = None

    def __call__(self, *facts: object) -> Decision | None:
        """The answer. Raises NoAnswer."""
        if self._behind is not None and not self._behind.over.is_set():
            raise NoAnswer("it has not come back from an earlier question")
        question = _Question(self._moment, facts)
        Thread(target=question.ask, name="policy", daemon=True).start()
        if not question.over.wait(self._seconds):
            self._behind = question
            raise NoAnswer(f"no answer within {self._seconds} s")
        if question.failure is not None:
            raise NoAnswer from question.failure
        return question.answer


class _Question:
    def __init__(self, moment: Moment, facts: tuple[object, ...]) -> None:
        self._moment = moment
        self._facts = facts
        self.over = Event()
        self.answer: Decision | None = None
        self.failure: BaseException | None = None

    def ask(self) -> None:
        try:
            self.answer = self._moment(*self._facts)
        except BaseException as failure:  # SystemExit too: whatever it is, it is told
            self.failure = failure
        finally:
            self.over.set()
