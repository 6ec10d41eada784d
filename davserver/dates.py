"""Dates as clients write them."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parsed(text: str) -> datetime | None:
    """A date of RFC 9110 §5.6.7 or of ISO 8601, in UTC where it names no zone; None for any other
    text, however absurd."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError, TypeError):
            continue
    return None
