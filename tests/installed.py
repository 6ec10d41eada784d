"""A policy of a third party, installed as pip would, and the settings that name it."""

import json
from pathlib import Path


def package(folder: Path, code: str, **entry_points: str) -> Path:
    """A folder that holds an installed package ``faulty`` with this code."""
    installed = folder / "faulty-installed"
    (installed / "faulty-1.0.dist-info").mkdir(parents=True)
    lines = [f"{name} = {target}" for name, target in entry_points.items()]
    (installed / "faulty.py").write_text(code, encoding="utf-8")
    (installed / "faulty-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n", encoding="utf-8"
    )
    (installed / "faulty-1.0.dist-info" / "entry_points.txt").write_text(
        "\n".join(["[davserver.policy]", *lines, ""]), encoding="utf-8"
    )
    return installed


def environment(installed: Path, *policies: str) -> dict[str, str]:
    """What a server is told to use ``policies`` of the packages in ``installed``."""
    return {
        "PYTHONPATH": str(installed),
        "DAVSERVER_POLICY": json.dumps([{"use": policy} for policy in policies]),
    }
