"""Templates of a manifest: documents whose texts are JMESPath expressions.

    soThua: row.so_thua
    dienTich: row.dien_tich_m2
    loaiDat: lookup(connection.codes.loaiDat, row.ma_loai)
    nguon: "'VBDLIS'"                       # a literal text has quotes of its own
    chuSuDung: {$each: rows, $as: {hoVaTen: item.ho_ten}}      # a list
    diaChi: {$with: row.dia_chi, $as: {chiTiet: item.so_nha}}  # nothing where that is null

A field whose value is null is left out, and so is an object of which nothing is left. Everything is compiled when the
manifest is read: a wrong expression, name of a function or variable is refused there, with its line.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.visitor import Options, TreeInterpreter

from lgsp_adapters.mapping.arithmetic import json_equal
from lgsp_adapters.mapping.budget import CHARACTERS, current, spend
from lgsp_adapters.mapping.functions import FUNCTIONS, MOST, NAMES, check_argument
from lgsp_adapters.mapping.name_suggestions import suggestion
from lgsp_adapters.mapping.numbers import exact
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.text.normalization import nfc
from lgsp_contracts.source_location import SourceLocation

Scope = Mapping[str, Any]
Evaluator = Callable[[Scope], Any]

_OPTIONS = Options(custom_functions=FUNCTIONS)
REPETITIONS = ("$each", "$with")
"""The keys that evaluate the template under `$as` for a value, which is its variable `item`."""
MOST_DIGITS = 15
"""Of a fraction in an expression: the library reads it as a double."""


class Template:
    """One compiled template.

    Args:
        document: as written in the manifest.
        location: for refusals.
        names: the variables that expressions may name.

    Raises:
        Refusal: `invalid-document`, with line, what is wrong and how to correct it.
    """

    def __init__(self, document: Any, location: SourceLocation, names: tuple[str, ...]) -> None:
        self.document = document
        self.location = location
        self._evaluate = _compile(document, location, names)

    def __call__(self, scope: Scope) -> Any:
        """The document for these variables.

        Raises:
            MappingError: a value does not fit; the text names the location and never the value.
        """
        return self._evaluate(scope)

    @property
    def empty(self) -> bool:
        """Tell whether the template is absent."""
        return self.document is None


def drop_absent(answer: Any) -> Any:
    """Normalize what a system answered: texts in NFC, without white space around them, and null for an empty text."""
    if isinstance(answer, str):
        return nfc(answer).strip() or None
    if isinstance(answer, dict):
        spend(len(answer))
        return {nfc(name): drop_absent(value) for name, value in answer.items()}
    if isinstance(answer, list):
        spend(len(answer))
        return [drop_absent(item) for item in answer]
    return answer


def normalized(document: Any) -> Any:
    """Normalize what a caller sent: texts in NFC, so that they compare equal to those of systems."""
    if isinstance(document, str):
        return nfc(document)
    if isinstance(document, dict):
        spend(len(document))
        return {name: normalized(value) for name, value in document.items()}
    if isinstance(document, list):
        spend(len(document))
        return [normalized(item) for item in document]
    return document


def _compile(document: Any, location: SourceLocation, names: tuple[str, ...]) -> Evaluator:
    if isinstance(document, str):
        return _compile_expression(document, location, names)
    if isinstance(document, dict):
        for each in REPETITIONS:
            if each in document:
                return _compile_repetition(document, each, location, names)
        fields = {name: _compile(value, location / name, names) for name, value in document.items()}
        return lambda scope: _build_object(fields, scope)
    if isinstance(document, list):
        items = [_compile(item, location / number, names) for number, item in enumerate(document)]
        return lambda scope: [value for make in items if (value := make(scope)) is not None]
    return lambda _: document


def _build_object(fields: Mapping[str, Evaluator], scope: Scope) -> dict[str, Any]:
    spend()
    pairs = ((name, make(scope)) for name, make in fields.items())
    return {name: value for name, value in pairs if value is not None and value != {}}


def _compile_repetition(
    document: Mapping[str, Any], each: str, location: SourceLocation, names: tuple[str, ...]
) -> Evaluator:
    check_repetition(document, each, location)
    source = _compile(document[each], location / each, names)
    build_item = _compile(document["$as"], location / "$as", (*names, "item"))

    def make(scope: Scope) -> Any:
        value = source(scope)
        if each == "$with":
            return None if value is None or value is False else build_item({**scope, "item": value})
        spend(len(value) if value else 0)
        return value and [build_item({**scope, "item": element}) for element in value]

    return make


def check_repetition(document: Mapping[str, Any], each: str, location: SourceLocation) -> None:
    """Check the keys of `{$each: …, $as: …}` or `{$with: …, $as: …}`.

    Raises:
        Refusal: `invalid-document`, when a key is missing or is one too many.
    """
    if set(document) != {each, "$as"}:
        raise location.refusal(
            f"{each} phải đi cùng $as và không kèm khóa nào khác", f"{each} takes $as and no other key"
        )


def _compile_expression(text: str, location: SourceLocation, names: tuple[str, ...]) -> Evaluator:
    text = nfc(text)  # normalized like every text that it is compared with
    try:
        parsed = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = str(error).split("\n", 1)[0].rstrip(".:")
        hint = "; a literal text is written \"'text'\""
        raise location.refusal(
            f"không phải biểu thức JMESPath: {reason}", f"not a JMESPath expression: {reason}{hint}"
        ) from error
    _check_names(parsed, location, names, top=True)
    tree, interpreter = _with_exact_numbers(parsed, location), _Interpreter()

    def make(scope: Scope) -> Any:
        try:
            return _without_nulls(interpreter.visit(tree, scope))
        except MappingError as unmappable:
            raise MappingError(f"{location}: {unmappable}", location) from unmappable
        except JMESPathTypeError as error:  # its text quotes the value
            wanted = " or ".join(error.expected_types)
            raise MappingError(
                f"{location}: {error.function_name} takes {wanted}, not {error.actual_type}", location
            ) from error
        except (JMESPathError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise MappingError(f"{location}: {type(error).__name__}", location) from error

    return make


class _Interpreter(TreeInterpreter):
    """JMESPath's own, with numbers that keep their digits, and counted."""

    def __init__(self) -> None:
        super().__init__(_OPTIONS)
        self._visits: dict[str, Callable[..., Any]] = {}

    def visit(self, node: Any, *values: Any) -> Any:
        """Evaluate a part of an expression on a value.

        Raises:
            StepsExceededError: the work at hand has no more of them.
        """
        steps = current.get()
        steps.left -= 1
        if steps.left < 0:
            steps.spend()
        kind = node["type"]
        visit = self._visits.get(kind)
        if visit is None:
            visit = self._visits[kind] = getattr(self, f"visit_{kind}")
        return visit(node, *values)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """Call a function, which takes as many steps as its lists and texts are long."""
        arguments = [self.visit(child, value) for child in node["children"]]
        spend(sum(map(_size, arguments)))
        result = FUNCTIONS.call_function(node["value"], arguments)
        spend(_size(result))
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compare as JSON does; a number is never compared with a text.

        Raises:
            MappingError: one of the two operands of an ordering is a number and the other a text.
        """
        left, right = (self.visit(child, value) for child in node["children"])
        kind = node["value"]
        if kind in ("eq", "ne"):
            return json_equal(left, right) is (kind == "eq")
        if isinstance(left, str) and isinstance(right, str):
            return self.COMPARATOR_FUNC[kind](left, right)
        numbers = exact(left), exact(right)
        if None not in numbers:
            return self.COMPARATOR_FUNC[kind](*numbers)
        if (isinstance(left, str) and numbers[1] is not None) or (isinstance(right, str) and numbers[0] is not None):
            raise MappingError("a text is compared with a number; write number(…) of the text")
        return None


def _with_exact_numbers(node: Any, location: SourceLocation) -> Any:
    """Return a copy of a parsed expression whose literal numbers keep their digits; the library caches and shares the original."""
    if node["type"] == "literal":
        return {**node, "value": _exact_literal(node["value"], location)}
    children = [
        _with_exact_numbers(child, location) if isinstance(child, dict) else child for child in node.get("children", ())
    ]
    return {**node, "children": children}


def _exact_literal(value: Any, location: SourceLocation) -> Any:
    if isinstance(value, list):
        return [_exact_literal(item, location) for item in value]
    if isinstance(value, dict):
        return {name: _exact_literal(item, location) for name, item in value.items()}
    if isinstance(value, str):
        return nfc(value)
    if not isinstance(value, float):
        return value
    number = Decimal(repr(value))
    if len(number.as_tuple().digits) > MOST_DIGITS:
        raise location.refusal(
            "một số trong biểu thức có quá nhiều chữ số; hãy viết number('…')",
            "a number in the expression has more digits than are kept there; write number('…')",
        )
    return number


def _check_names(node: Any, location: SourceLocation, names: tuple[str, ...], *, top: bool) -> None:
    """Refuse functions and variables that do not exist."""
    kind, value = node["type"], node.get("value")
    if kind == "subexpression" and node["children"][0]["type"] == "not_expression":  # JMESPath reads !a.b as (!a).b
        raise location.refusal("hãy viết !(a.b) thay cho !a.b", "write !(a.b) for !a.b, which JMESPath reads as (!a).b")
    if kind == "function_expression":
        if value not in NAMES:
            similar = suggestion(str(value), NAMES)
            raise location.refusal(f"không có hàm {value}; {similar.vi}", f"there is no function {value}; {similar.en}")
        _check_arguments(value, node["children"], location)
    if top and kind == "field" and value not in names:
        known = ", ".join(names)
        raise location.refusal(
            f"không có biến {value}; có: {known}", f"there is no variable {value}; the available ones are: {known}"
        )
    for number, child in enumerate(_children(node)):
        # Behind a dot or inside a projection the names are those of the data.
        inside = kind in (
            "subexpression",
            "index_expression",
            "pipe",
            "projection",
            "value_projection",
            "filter_projection",
            "flatten",
        )
        _check_names(child, location, names, top=top and not (inside and number > 0))


def _check_arguments(name: str, arguments: list[Any], location: SourceLocation) -> None:
    """Refuse a function with too few or too many arguments, or with a literal one that it can never take."""
    least, most = NAMES[name], MOST.get(name, len(arguments))
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least}–{most}"
        raise location.refusal(f"hàm {name} cần {wanted} tham số", f"{name} takes {wanted} arguments")
    for number, argument in enumerate(arguments):
        if number and argument["type"] == "literal":
            try:
                check_argument(name, number, argument["value"])
            except MappingError as unmappable:
                raise location.refusal(f"hàm {name}: {unmappable}", f"{name}: {unmappable}") from unmappable


def _children(node: Any) -> Iterator[Any]:
    if node["type"] in ("expref", "slice"):
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child


def _without_nulls(value: Any) -> Any:
    """Drop the nulls that a multi-select leaves in objects."""
    if isinstance(value, dict):
        spend(len(value))
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        spend(len(value))
        return [_without_nulls(item) for item in value]
    return value


def _size(value: Any) -> int:
    """Return how many steps a function takes to go through a value."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, (list, dict)) else 0
