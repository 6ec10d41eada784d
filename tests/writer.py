"""What a person does in LibreOffice Writer: open, type, save. A script for LibreOffice's Python.

It drives an office that runs already, over UNO, and answers the questions that would be dialogs:
the login, and « read-only » when a document is said to be locked. It takes one argument, the JSON
of a :class:`Deed`, and prints the JSON of an :class:`Outcome`.
"""

import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

# LibreOffice's modules: the Python that checks the types of this file does not have them.
import uno  # type: ignore[import-not-found]
import unohelper  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]
from com.sun.star.lang import DisposedException  # type: ignore[import-not-found]
from com.sun.star.task import XInteractionHandler  # type: ignore[import-not-found]
from com.sun.star.uno import Exception as UnoError  # type: ignore[import-not-found]


@dataclass
class Deed:
    """Open ``opened``, add ``typed`` at its end, save it as ``saved``, or where it is (``store``).

    What is empty is left out, and ``opened`` is then a new document.
    """

    pipe: str
    login: str
    password: str
    opened: str = ""
    typed: str = ""
    saved: str = ""
    store: bool = False


@dataclass
class Outcome:
    """What the person saw: the text as opened, and the questions and errors that came."""

    text: str = ""
    readonly: bool = False
    said_locked: bool = False
    error: str = ""


class Person(unohelper.Base, XInteractionHandler):  # type: ignore[misc]
    """Answers the dialogs."""

    def __init__(self, deed: Deed, outcome: Outcome) -> None:
        self._deed = deed
        self._outcome = outcome

    def handle(self, request: Any) -> None:
        answers = {kind.typeName: answer for answer in request.getContinuations()
                   for kind in answer.getTypes()}  # fmt: skip
        for name, answer in answers.items():
            if "SupplyAuthentication" in name:
                answer.setUserName(self._deed.login)
                answer.setPassword(self._deed.password)
                answer.select()
                return
        # Yes, no or cancel: the document is locked; yes opens it read-only, no opens a copy.
        if "com.sun.star.task.XInteractionDisapprove" in answers:
            self._outcome.said_locked = True
            answers["com.sun.star.task.XInteractionApprove"].select()
        else:
            answers["com.sun.star.task.XInteractionAbort"].select()


def office(pipe: str, seconds: float = 60) -> Any:
    """The desktop of the office that listens on ``pipe``, once it has started."""
    context = uno.getComponentContext()
    resolver = context.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    end = time.monotonic() + seconds
    while True:
        try:
            remote = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return remote.ServiceManager.createInstance("com.sun.star.frame.Desktop")
        except NoConnectException:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def work(desk: Any, deed: Deed, outcome: Outcome) -> None:
    """Do the deed; raises what LibreOffice raises."""
    person = Person(deed, outcome)
    asked = (
        PropertyValue("InteractionHandler", 0, person, 0),
        PropertyValue("AuthenticationHandler", 0, person, 0),
    )
    hidden = PropertyValue("Hidden", 0, True, 0)
    source = deed.opened or "private:factory/swriter"
    document = desk.loadComponentFromURL(source, "_blank", 0, (hidden, *asked))
    try:
        outcome.text = document.Text.String
        outcome.readonly = document.isReadonly()
        document.Text.insertString(document.Text.End, deed.typed, False)
        if deed.saved:
            document.storeAsURL(deed.saved, asked)
        if deed.store:
            document.store()
    finally:
        document.close(True)


def main(argument: str) -> None:
    """Work in the office, end it, and tell."""
    deed, outcome = Deed(**json.loads(argument)), Outcome()
    desk = office(deed.pipe)
    try:
        work(desk, deed, outcome)
    except UnoError as error:
        outcome.error = error.Message
    with suppress(DisposedException):  # it may be gone before it has answered
        desk.terminate()
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main(sys.argv[1])
