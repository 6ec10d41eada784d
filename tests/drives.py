"""The drive as Linux mounts it: the folder of a person's own machine that is the server."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients import Rclone, processes, remote, run
from tests.programs import require_fuse, require_program
from tests.serving import PASSWORD, Server, wait_for


@contextmanager
def davfs2(server: Server, login: str, folder: Path, *, delay: int = 1) -> Iterator[Path]:
    """The drive of ``login`` in ``folder``; uploads begin ``delay`` seconds after a file is closed.

    On leaving, umount waits for all uploads. Nothing stays mounted, whatever happens.
    """
    require_fuse()
    program = require_program("mount.davfs")
    point = folder / "drive"
    point.mkdir()
    # The daemon runs as davfs2: it cannot enter the private folders of the tests.
    cache = Path(tempfile.mkdtemp(prefix="davfs2-"))
    shutil.chown(cache, group="davfs2")
    cache.chmod(0o770)
    secrets = folder / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_text(f'"{point}" {login} "{PASSWORD}"\n')
    settings = folder / "davfs2.conf"
    settings.write_text(
        f'secrets "{secrets}"\ncache_dir "{cache}"\nuse_locks 1\nask_auth 0\n'
        # Linux reads folders in blocks larger than davfs2's usual buffer.
        f"delay_upload {delay}\nbuf_size 64\n"
    )
    done = run(program, "-o", f"conf={settings}", f"{server.url}/dav", point, home=folder)
    try:
        assert done.code == 0, done.errors
        yield point
        done = run("umount", point, home=folder)
        assert done.code == 0, done.errors
    finally:
        if os.path.ismount(point):
            run("umount", "-l", point, home=folder)
        for daemon in processes(point):
            os.kill(daemon, signal.SIGKILL)
        shutil.rmtree(cache, ignore_errors=True)


@contextmanager
def rclone(program: Rclone, folder: Path) -> Iterator[Path]:
    """The drive in ``folder``, as rclone mounts it for its user; what is written there is sent a
    second after a file is closed.

    On leaving, what was not sent stays in ``folder``: the same program sends it when it mounts the
    drive there again. Its log is ``folder``/rclone.log.
    """
    require_fuse()
    unmount = require_program("fusermount3")
    point = folder / "drive"
    point.mkdir(exist_ok=True)
    daemon = program.start(
        *("mount", remote(), point, "--vfs-cache-mode", "writes", "--vfs-write-back", "1s"),
        *("--dir-cache-time", "1s", "--cache-dir", folder / "cache"),
        *("--log-file", folder / "rclone.log"),
    )
    try:
        wait_for(lambda: os.path.ismount(point) or daemon.poll() is not None, what="the drive")
        assert daemon.poll() is None, (folder / "rclone.log").read_text()
        yield point
        done = run(unmount, "-u", point, home=folder)
        assert done.code == 0, done.errors
        assert daemon.wait(timeout=30) == 0
    finally:
        if os.path.ismount(point):
            run(unmount, "-u", "-z", point, home=folder)
        daemon.kill()
        daemon.wait()
