"""The second validator: the Python package jsonschema, with the formats and numbers of the bus.

It differs from jsonschema as installed in three respects, none of which an author of a contract could influence:

* `$` in a pattern is the end of the text, as in ECMA 262 and not as in Python, where it also matches before a last line break.
* `multipleOf` is computed with all digits, as the bus does for amounts of money.
* `date-time`, `email`, `uri` and `uuid` are what jsonschema-rs takes them for: jsonschema itself checks `date-time` and `uri` not at all,
  `email` for an `@`, and takes digits of any script for those of a `uuid`. `date` is its own; the bus's formats have one definition
  (`formats.py`).
"""

import re
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from functools import cache
from types import FrameType
from typing import Any

import jsonschema
import jsonschema_rs
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from lgsp_contracts.formats import FORMAT_CHECKS, FORMAT_WORDS, Check

PATTERN_SECONDS = 0.25
"""CPU time for one text and one pattern. Python backtracks; what takes longer can be made to take for ever."""

_SHARED_FORMATS = ("date-time", "email", "uri", "uuid")


class SlowPatternError(Exception):
    """A backtracking engine needs too long for a pattern.

    Args:
        pattern: as the schema has it.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern


class _CpuTimeSpent(BaseException):
    """The time is up. Not an Exception, so that no handler of a library takes it."""


def validator(schema: Mapping[str, Any]) -> Validator:
    """Create the validator of a schema.

    Its `iter_errors` raises `SlowPatternError`, and `re.error` for a pattern that Python cannot compile (`compiled_pattern` tells).
    """
    created: Validator = _validator_class()(dict(schema), format_checker=_format_checker())
    return created


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a schema for Python.

    Raises:
        re.error: Python does not know the syntax, or says that it will mean something else in a later version.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return re.compile(_with_ecma_end(pattern))
        except (FutureWarning, DeprecationWarning) as warning:
            raise re.error(str(warning)) from warning


_DOLLAR = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def _with_ecma_end(pattern: str) -> str:
    """Replace each `$` that is neither escaped nor in a character class by the end of the text in Python's syntax."""
    return _DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


def _matches(pattern: str, text: str) -> bool:
    with _cpu_time_limit(pattern):
        return compiled_pattern(pattern).search(text) is not None


@contextmanager
def _cpu_time_limit(pattern: str) -> Iterator[None]:
    """Raise `SlowPatternError` after `PATTERN_SECONDS` of CPU time; only a main thread can, elsewhere nothing is limited."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise _CpuTimeSpent

    previous = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATTERN_SECONDS)
    try:
        yield
    except _CpuTimeSpent as error:
        raise SlowPatternError(pattern) from error
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield jsonschema.ValidationError("does not match")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(instance, Mapping):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _multiple_of(validator: Any, step: Any, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if validator.is_type(instance, "number") and Fraction(instance) % Fraction(step):
        yield jsonschema.ValidationError("is not a multiple")


def _is_integer(_: Any, instance: Any) -> bool:
    return isinstance(instance, int | float | Decimal) and not isinstance(instance, bool) and instance == int(instance)


@cache
def _validator_class() -> Any:
    base = jsonschema.Draft202012Validator
    keywords = {"pattern": _pattern, "patternProperties": _pattern_properties, "multipleOf": _multiple_of}
    return extend(  # type: ignore[no-untyped-call]
        base, keywords, type_checker=base.TYPE_CHECKER.redefine("integer", _is_integer)
    )


@cache
def _format_checker() -> jsonschema.FormatChecker:
    known = jsonschema.FormatChecker(formats=["date"])
    checks: dict[str, Check] = {**FORMAT_CHECKS, **{name: _check_of_first_validator(name) for name in _SHARED_FORMATS}}
    for name, check in checks.items():
        known.checks(name)(_of_strings(check))
    assert known.checkers.keys() >= FORMAT_WORDS.keys()
    return known


def _check_of_first_validator(name: str) -> Check:
    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid


def _of_strings(check: Check) -> Any:
    return lambda value: not isinstance(value, str) or check(value)
