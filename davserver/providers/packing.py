"""Listings compressed for who takes them so (RFC 9110 §8.4, §12.5.3): names repeat, and a folder of
1,000 pieces is forty times smaller. Content never is: its entity tag names its very bytes."""

import gzip
import re
from dataclasses import replace

from davserver.providers.answers import XML, Answer

_LEAST = 1_400  # bytes: what fits into one packet gets there no sooner
_LEVEL = 1  # the last tenth of the size would cost three times the time
_ACCEPTED = re.compile(r"(gzip|x-gzip|\*)(?:;q=([0-9.]+))?")


def packed(answer: Answer, accepted: str) -> Answer:
    """``answer`` as a client wants it that sent ``accepted`` as its Accept-Encoding."""
    if len(answer.body) < _LEAST or ("Content-Type", XML) not in answer.headers:
        return answer
    told = [*answer.headers, ("Vary", "Accept-Encoding")]
    if not _takes_gzip(accepted):
        return replace(answer, headers=tuple(told))
    body = gzip.compress(answer.body, _LEVEL, mtime=0)
    return replace(answer, headers=(*told, ("Content-Encoding", "gzip")), body=body)


def _takes_gzip(accepted: str) -> bool:
    """By its own word, else by « * »; a weight of 0 refuses."""
    weights: dict[str, float] = {}
    for part in accepted.lower().replace(" ", "").split(","):
        found = _ACCEPTED.fullmatch(part)
        if found is not None:
            word = "*" if found[1] == "*" else "gzip"
            try:
                weights[word] = float(found[2] or 1)
            except ValueError:
                return False
    return weights.get("gzip", weights.get("*", 0.0)) > 0
