"""What some tests need of the machine, and what becomes of them without it.

On a developer's machine such a test is skipped, with the reason. Under ``CI=true`` it fails:
a green run there says that every real client was driven.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Mount helpers live in sbin, which the PATH of a plain user may lack.
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def require_program(name: str) -> str:
    """Return the path of a program, such as ``litmus`` or ``mount.davfs``."""
    path = shutil.which(name, path=_SEARCH_PATH)
    if path is None:
        _give_up(f"{name} is not installed")
    return path


def require_npm_packages(folder: Path) -> None:
    """Return where the packages that ``folder``/package-lock.json locks are installed."""
    if not (folder / "node_modules").is_dir():
        _give_up(f"the npm packages of {folder.name} are not installed: ./run test does it")


def require_root() -> None:
    """Return where a file system can be mounted: as root on Linux."""
    if os.geteuid() != 0 or not os.path.isdir("/proc/self"):
        _give_up("mounting needs root on Linux")


def require_fuse() -> None:
    """Return where a drive can be mounted, as davfs2 does it: as root, and with FUSE."""
    require_root()
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        _give_up(f"mounting a drive needs /dev/fuse: {error.strerror}")


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
