"""Durations as contracts write them: `500ms`, `5s`, `30m`, `72h`, `7d`."""

from lgsp_contracts.source_location import SourceLocation

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds(duration: str) -> float:
    """Return the seconds of a duration, such as `72h`.

    Raises:
        ValueError: it is none.
    """
    number = duration.rstrip("mshd")
    unit = duration[len(number) :]
    if unit not in _SECONDS or not number.isdecimal():
        raise ValueError(f"{duration!r} is no duration")
    return int(number) * _SECONDS[unit]


def read_within(duration: str, shortest: str, longest: str, where: SourceLocation) -> float:
    """Return the seconds of a duration that lies between two others.

    Args:
        duration: as the schema of contracts allows it.
        where: the location to name in a refusal.

    Raises:
        Refusal: `invalid-document`.
    """
    value = seconds(duration)
    if not seconds(shortest) <= value <= seconds(longest):
        raise where.refusal(
            f"phải từ {shortest} đến {longest}; hãy sửa lại",
            f"must be from {shortest} to {longest}; correct it",
        )
    return value
