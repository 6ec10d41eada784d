"""Work in a process of its own, before the server forks its workers.

What a site opens (connections, the threads of the S3 client) must not be carried across a fork: a
worker that inherits it hangs. So a command that serves looks at the site in a child first.
"""

import os
import sys
import traceback
from collections.abc import Callable

from davserver.commands.failures import FAILURES, Failure, sentence


def apart(task: Callable[[], object]) -> None:
    """Run ``task`` in a child and wait for its end. Raises Failure with the sentence and the exit
    code of what it failed of."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        os._exit(_child(task, writing))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        failure = Failure(said or "L'ouverture du site a échoué.")
        failure.code = code if code > 0 else 1
        raise failure


def _child(task: Callable[[], object], writing: int) -> int:
    code = 0
    try:
        task()
    except FAILURES as failure:
        text, code = sentence(failure)
        os.write(writing, text.encode())
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
