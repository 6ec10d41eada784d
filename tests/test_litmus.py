"""The protocol suite litmus, against the real server, where its user may do everything."""

import re
from pathlib import Path

from davserver.tree.lookup import SPACE_NAME as SPACE
from tests.clients import EXPERT, run
from tests.dav import address
from tests.programs import require_program
from tests.serving import PASSWORD, Server

SUITES = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}


def test_litmus_passes_all_its_104_tests_without_a_warning(demo: Server, tmp_path: Path) -> None:
    place = demo.url + address(SPACE, "2024-01 Trois Pommiers", slash=True)
    done = run(require_program("litmus"), "-k", place, EXPERT, PASSWORD, home=tmp_path, timeout=100)
    print(done.output)
    summaries = re.findall(r"summary for `(\w+)': of (\d+) tests run: (\d+) passed", done.output)
    assert summaries == [(suite, str(count), str(count)) for suite, count in SUITES.items()]
    assert sum(SUITES.values()) == 104
    assert "FAIL" not in done.output
    assert "WARNING" not in done.output
    assert "SKIPPED" not in done.output
