"""How long a fuzz runs, and from which seed."""

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy, tuples

RUNS = int(os.environ.get("FUZZ_RUNS", "300"))

Fuzz = Callable[..., None]


@pytest.fixture
def fuzz(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> Fuzz:
    """Calls a function with many examples; prints how many, and the seed that repeats them."""

    def fuzzed(
        name: str, tried: Callable[..., None], *strategies: SearchStrategy[object], part: int = 1
    ) -> None:
        told = pytestconfig.getoption("--hypothesis-seed")
        number = random.randrange(2**32) if told in (None, "random") else int(told)
        runs = max(1, RUNS // part)
        count = 0

        def counted(example: tuple[object, ...]) -> None:
            nonlocal count
            count += 1
            tried(*example)

        begun = settings(
            max_examples=runs,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            seed(number)(begun(given(tuples(*strategies))(counted)))()
        finally:
            with capsys.disabled():
                print(f"\nfuzz {name}: {count} executions, --hypothesis-seed={number}", end=" ")

    return fuzzed
