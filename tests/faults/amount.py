"""How much is broken: a little with each run of the tests, much more by ``./run faults``."""

import os

KILLS = int(os.environ.get("FAULTS_KILLS", "1"))  # at each step of each act
RANDOM_KILLS = int(os.environ.get("FAULTS_RANDOM_KILLS", "2"))
LENGTH = int(os.environ.get("FAULTS_LENGTH", "1"))  # operations before a power cut, at most
EVERY_CALL = os.environ.get("FAULTS_EVERY_CALL") == "1"
LONG = 24 * 3_600  # seconds that a test of the long form may take


def say(text: str) -> None:
    """A figure, for who reads the output (``pytest -s``)."""
    print(f"\nfaults: {text}", flush=True)
