"""The player itself: what a script does not tell is found, and its times are in order."""

import pytest

from davserver.settings import DepositSettings
from tests.replay.bodies import pdf
from tests.replay.script import Client, Play, Row, Sealed
from tests.replay.seconds import PLAYED, settings

CURL = Client("curl/8.14.1")


def test_the_times_that_are_played_have_the_order_of_the_real_ones() -> None:
    usual = DepositSettings()
    real = {name: getattr(usual, name.removeprefix("DAVSERVER_DEPOSIT__").lower())
            for name in settings()}  # fmt: skip

    assert list(PLAYED) == sorted(PLAYED)
    assert list(PLAYED.values()) == sorted(set(PLAYED.values()))
    assert sorted(real, key=real.__getitem__) == sorted(
        settings(), key=lambda name: float(settings()[name])
    )


def test_a_piece_that_a_script_does_not_tell_of_is_found(player: Play) -> None:
    silent = (Row("PUT", "B/silent.pdf", body=pdf("silent"), status=201), Sealed("silent.pdf"))

    with pytest.raises(AssertionError, match=r"silent\.pdf"):
        player(CURL).play(*silent)


def test_an_answer_that_is_not_the_one_of_the_table_is_found(player: Play) -> None:
    with pytest.raises(AssertionError, match="status=404"):
        player(CURL).play(Row("PROPFIND", "B/absent.pdf", "Depth: 0", b"", 207))


def test_a_piece_with_other_content_than_told_is_found(player: Play) -> None:
    with pytest.raises(AssertionError, match=r"other\.pdf"):
        player(CURL).play(
            Row("PUT", "B/other.pdf", body=pdf("one content"), status=201),
            becomes={"other.pdf": pdf("another content")},
        )
