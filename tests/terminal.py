"""A terminal of its own, and who types there."""

import os
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.programs import require_program
from tests.serving import wait_for


class Terminal:
    """A person at a terminal, before a program that asks for a password."""

    def __init__(self, *command: str | Path, home: Path, environment: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        self._shown = b""
        base = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
        self._process = subprocess.Popen(
            [require_program("setsid"), "--ctty", "--wait", *[str(part) for part in command]],
            cwd=home,
            env={**base, **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type_password(self, text: str) -> None:
        """Type ``text`` once the program hides what is typed."""
        wait_for(self._hides, 30, "a program that asks for a password")
        os.write(self._master, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and all that was shown."""
        code = wait_for(self._ended, 60, "the end of the program")
        return int(code) - 1, self._shown.decode().replace("\r\n", "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the window: what still runs in it ends."""
        os.close(self._master)
        self._process.wait(timeout=20)

    def _hides(self) -> bool:
        self._read()
        assert self._process.poll() is None, self._shown
        return not termios.tcgetattr(self._master)[3] & termios.ECHO

    def _ended(self) -> int:
        """One more than the exit code."""
        code = self._process.poll()
        self._read()
        return 0 if code is None else code + 1

    def _read(self) -> None:
        try:
            while block := os.read(self._master, 65536):
                self._shown += block
        except OSError:  # nothing to read now, or the program has closed the terminal
            return
