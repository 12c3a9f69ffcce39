"""Where an error arose, said without a word of what it was about.

The text of an exception may quote a document, and so may a line of a traceback that shows values. The file, line and function
of each frame hold no data, and they are what somebody needs who has to mend it.
"""

import traceback
from collections.abc import Iterator
from pathlib import PurePath

MOST_ERRORS = 8
"""Errors of one chain that are told; what lies further back is counted."""

MOST_FRAMES = 24
"""Frames of one error: where it went in, and where it ended. A recursion has a thousand equal ones between."""

_PARTS = 4
"""Of a file's path that are told: the package, the module and what lies between them."""


def frames(error: BaseException) -> list[str]:
    """Tell where an error and those that caused it arose: the error first, its causes after it.

    Returns:
        For each error the name of its type, then a line `file:line function` for each of its frames, the innermost last.
    """
    told: list[str] = []
    for number, one in enumerate(_chain(error)):
        if number == MOST_ERRORS:
            told.append("...")
            break
        told += [type(one).__name__, *_frames_of(one)]
    return told


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, the parts of a group, and what each came from."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        before = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if before is not None:
            waiting.append(before)


def _frames_of(error: BaseException) -> list[str]:
    lines = [
        f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-_PARTS:])}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if len(lines) <= MOST_FRAMES:
        return lines
    half = MOST_FRAMES // 2
    return [*lines[:half], f"({len(lines) - MOST_FRAMES} more)", *lines[-half:]]
