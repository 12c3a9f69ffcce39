"""JMESPath's own functions of numbers, for numbers that keep their digits.

The library knows doubles alone: it calls a Decimal unknown, and its `to_number` and `avg` make doubles. These give the same answers
as its specification says, exactly, and refuse what the specification calls a wrong type.
"""

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from jmespath import functions

from lgsp_adapters.mapping.budget import spend
from lgsp_adapters.mapping.numbers import MAX_DIGITS, PLAIN, Number, decimal_of, exact, text_of
from lgsp_adapters.mapping.unmappable import MappingError

_EXACT = Context(prec=2000, traps=[Inexact, InvalidOperation, Overflow])
_DIVIDING = Context(prec=2000, traps=[InvalidOperation, Overflow])
MAX_PLACES = 20
_ROUNDED = Context(prec=28)
"""An average rarely ends; this many digits of it do."""

_ANY: list[str] = []
_LIST = ["array"]


class Arithmetic(functions.Functions):
    """What of JMESPath's own functions sees numbers."""

    @functions.signature({"types": _ANY})
    def _func_abs(self, value: Any) -> Number:
        number = _number(value)
        return number.copy_abs() if isinstance(number, Decimal) else abs(number)

    @functions.signature({"types": _ANY})
    def _func_ceil(self, value: Any) -> int:
        return math.ceil(_number(value))

    @functions.signature({"types": _ANY})
    def _func_floor(self, value: Any) -> int:
        return math.floor(_number(value))

    @functions.signature({"types": _LIST})
    def _func_sum(self, values: list[Any]) -> Number:
        return _sum([_number(value) for value in values])

    @functions.signature({"types": _LIST})
    def _func_avg(self, values: list[Any]) -> Number | None:
        total = Decimal(_sum([_number(value) for value in values]))
        return _ROUNDED.divide(total, Decimal(len(values))) if values else None

    @functions.signature({"types": _ANY}, {"types": _ANY})
    def _func_add(self, left: Any, right: Any) -> Number | None:
        if left is None or right is None:
            return None
        return _calculate(_EXACT.add, _number(left), _number(right))

    @functions.signature({"types": _ANY}, {"types": _ANY})
    def _func_subtract(self, left: Any, right: Any) -> Number | None:
        if left is None or right is None:
            return None
        return _calculate(_EXACT.subtract, _number(left), _number(right))

    @functions.signature({"types": _ANY}, {"types": _ANY})
    def _func_multiply(self, left: Any, right: Any) -> Number | None:
        if left is None or right is None:
            return None
        return _calculate(_EXACT.multiply, _number(left), _number(right))

    @functions.signature({"types": _ANY}, {"types": _ANY}, {"types": _ANY})
    def _func_divide(self, left: Any, right: Any, places: Any) -> Number | None:
        places = places_of(places)
        if left is None or right is None:
            return None
        if not _number(right):
            raise MappingError("a number is divided by zero")
        return _round(_DIVIDING.divide(Decimal(_number(left)), Decimal(_number(right))), places)

    @functions.signature({"types": _ANY}, {"types": _ANY})
    def _func_round(self, value: Any, places: Any) -> Number | None:
        places = places_of(places)
        return None if value is None else _round(Decimal(_number(value)), places)

    @functions.signature({"types": _LIST})
    def _func_max(self, values: list[Any]) -> Any:
        return max(_comparable(values), default=None)

    @functions.signature({"types": _LIST})
    def _func_min(self, values: list[Any]) -> Any:
        return min(_comparable(values), default=None)

    @functions.signature({"types": _LIST})
    def _func_sort(self, values: list[Any]) -> list[Any]:
        return sorted(_comparable(values))

    @functions.signature({"types": _LIST}, {"types": ["expref"]})
    def _func_sort_by(self, values: list[Any], key: Any) -> list[Any]:
        return [values[index] for index in _sorted_indices(values, key)]

    @functions.signature({"types": _LIST}, {"types": ["expref"]})
    def _func_max_by(self, values: list[Any], key: Any) -> Any:
        keys = _keys(values, key)
        return values[keys.index(max(keys))] if keys else None

    @functions.signature({"types": _LIST}, {"types": ["expref"]})
    def _func_min_by(self, values: list[Any], key: Any) -> Any:
        keys = _keys(values, key)
        return values[keys.index(min(keys))] if keys else None

    @functions.signature({"types": _ANY})
    def _func_to_number(self, value: Any) -> Number | None:
        try:
            return None if value is None else decimal_of(value, PLAIN)
        except MappingError:
            return None

    @functions.signature({"types": _ANY})
    def _func_to_string(self, value: Any) -> str:
        return text_of(value)

    @functions.signature({"types": _ANY})
    def _func_type(self, value: Any) -> str:
        names = {str: "string", bool: "boolean", list: "array", dict: "object", type(None): "null"}
        return names.get(type(value), "number")

    @functions.signature({"types": ["array", "string"]}, {"types": _ANY})
    def _func_contains(self, where: list[Any] | str, what: Any) -> bool:
        if isinstance(where, str):
            return isinstance(what, str) and what in where
        return any(json_equal(item, what) for item in where)

    @functions.signature({"types": ["array", "null"]}, {"types": ["expref"]}, {"types": _ANY})
    def _func_all_equal(self, values: list[Any] | None, key: Any, what: Any) -> bool | None:
        if values is None:
            return None
        if what is None:
            return not values
        return all(json_equal(key.visit(key.expression, value), what) for value in values)


def json_equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal as JSON has them: `1` is not true, and `0.10` is `0.1`."""
    if isinstance(left, list) and isinstance(right, list):
        spend(min(len(left), len(right)))
        return len(left) == len(right) and all(map(json_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        spend(min(len(left), len(right)))
        return left.keys() == right.keys() and all(json_equal(value, right[name]) for name, value in left.items())
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, float) or isinstance(right, float):
        left, right = (
            exact(left) if isinstance(left, float) else left,
            exact(right) if isinstance(right, float) else right,
        )
    return bool(left == right)


def _number(value: Any) -> Number:
    number = exact(value)
    if number is None:
        raise MappingError("a function of numbers is given something else; write number(…) of a text")
    return number


def _sum(values: Sequence[Number]) -> Number:
    total: Number = 0
    for value in values:
        total = total + value if isinstance(total, int) and isinstance(value, int) else _exact_sum(total, value)
    return total


def _exact_sum(left: Number, right: Number) -> Decimal:
    try:
        return _EXACT.add(Decimal(left), Decimal(right))
    except ArithmeticError as error:
        raise MappingError("a sum has too many digits") from error


def places_of(value: Any) -> int:
    """Check the number of digits after the decimal point that a result is rounded to.

    Raises:
        MappingError: it is not an integer from 0 to 20.
    """
    if type(value) is not int or not 0 <= value <= MAX_PLACES:
        raise MappingError(f"the number of decimal places is an integer from 0 to {MAX_PLACES}, such as `2`")
    return value


def _calculate(operation: Callable[[Decimal, Decimal], Decimal], left: Number, right: Number) -> Number:
    try:
        result = operation(Decimal(left), Decimal(right))
    except ArithmeticError as error:
        raise MappingError("a number has too many digits") from error
    return int(result) if isinstance(left, int) and isinstance(right, int) else result


def _round(number: Decimal, places: int) -> Number:
    if number.adjusted() > MAX_DIGITS:
        raise MappingError("a number has too many digits")
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _DIVIDING)
    return rounded if places else int(rounded)


def _comparable(values: list[Any]) -> list[Any]:
    """Return the values, all numbers or all texts.

    Raises:
        MappingError: a mixture, or something else.
    """
    if all(isinstance(value, str) for value in values):
        return values
    return [_number(value) for value in values]


def _keys(values: list[Any], key: Any) -> list[Any]:
    return _comparable([key.visit(key.expression, value) for value in values])


def _sorted_indices(values: list[Any], key: Any) -> list[int]:
    keys = _keys(values, key)
    by: Callable[[int], Any] = keys.__getitem__
    return sorted(range(len(values)), key=by)
