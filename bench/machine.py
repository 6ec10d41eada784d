"""On what was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict


class Machine(TypedDict):
    """What a reader must know to compare."""

    date: str
    cores: int
    processor: str
    memory_gib: float
    system: str
    file_system: str
    python: str
    load_before: float


def described(folder: Path) -> Machine:
    """This machine; ``folder`` is where the servers keep their files."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.split(":")[1].strip() for line in facts.splitlines() if "model name" in line]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else platform.machine(),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": kind.stdout.strip(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }
