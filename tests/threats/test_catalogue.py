"""Every threat of the catalogue has its test, and every mutant its place."""

from pathlib import Path

from tests.threats.taken_out import ROOT, mutants

HERE = Path(__file__).parent


def test_each_fix_that_is_taken_out_stands_once_in_its_file() -> None:
    astray = [
        f"{one.id}: {one.file}: {one.old!r}"
        for one in mutants()
        if (ROOT / one.file).read_text(encoding="utf-8").count(one.old) != 1
    ]

    assert astray == []


def test_each_mutant_belongs_to_a_threat_that_has_a_test() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in HERE.glob("test_*.py"))
    strays = [one.id for one in mutants() if f"def test_{one.id.lower()}_" not in tests]

    assert strays == []
