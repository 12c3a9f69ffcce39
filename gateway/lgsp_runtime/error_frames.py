"""Where an error arose, without any text that may quote data.

The text of an exception may quote a document, and so may a line of a traceback that shows values. The file, line and function
of each frame hold no data, and they suffice to find the cause.
"""

import traceback
from collections.abc import Iterator
from pathlib import PurePath

MAX_ERRORS = 8
"""Errors of one chain that are listed; those before them are left out."""

MAX_FRAMES = 24
"""Frames of one error that are listed: the outermost and the innermost. A recursion has a thousand equal ones in between."""

_PATH_PARTS = 4
"""The last parts of a file's path that are listed: the package, the module and what lies between them."""


def frames(error: BaseException) -> list[str]:
    """List where an error and those that caused it arose: the error first, its causes after it.

    Returns:
        For each error the name of its type, then a line `file:line function` for each of its frames, the innermost last.
    """
    lines: list[str] = []
    for number, one in enumerate(_chain(error)):
        if number == MAX_ERRORS:
            lines.append("...")
            break
        lines += [type(one).__name__, *_frames_of(one)]
    return lines


def forget_frames(error: BaseException) -> None:
    """Let go of the frames of an error that is dealt with, and of those that caused it.

    A frame that holds its error in a variable is a cycle, which keeps everything that the frames hold, a document of megabytes too, until the
    garbage collector runs.
    """
    waiting: list[BaseException | None] = [error]
    seen = set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = None
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, the parts of a group, and the cause of each."""
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
        f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-_PATH_PARTS:])}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if len(lines) <= MAX_FRAMES:
        return lines
    half = MAX_FRAMES // 2
    return [*lines[:half], f"({len(lines) - MAX_FRAMES} more)", *lines[-half:]]
