"""Templates of a manifest: documents whose texts are JMESPath expressions.

    soThua: row.so_thua
    dienTich: row.dien_tich_m2
    loaiDat: lookup(connection.codes.loaiDat, row.ma_loai)
    nguon: "'VBDLIS'"                       # a text that is meant as it stands is quoted once more
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

from lgsp_adapters.mapping.arithmetic import same
from lgsp_adapters.mapping.budget import CHARACTERS, current, spend
from lgsp_adapters.mapping.functions import FUNCTIONS, MOST, NAMES, check_argument
from lgsp_adapters.mapping.numbers import exact
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.text.normalization import nfc
from lgsp_contracts.source_location import SourceLocation

Scope = Mapping[str, Any]
Make = Callable[[Scope], Any]

_OPTIONS = Options(custom_functions=FUNCTIONS)
MOST_DIGITS = 15
"""Of a fraction in an expression: the library reads it as a double."""


class Template:
    """One compiled template.

    Args:
        document: as it stands in the manifest.
        place: where, for refusals.
        names: the variables that there are.

    Raises:
        Refusal: `invalid-document`, with line, what is wrong and what there is instead.
    """

    def __init__(self, document: Any, place: SourceLocation, names: tuple[str, ...]) -> None:
        self.document = document
        self.place = place
        self._make = _compiled(document, place, names)

    def __call__(self, scope: Scope) -> Any:
        """The document for these variables.

        Raises:
            MappingError: a value does not fit; the text names the place and never the value.
        """
        return self._make(scope)

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


def _compiled(document: Any, place: SourceLocation, names: tuple[str, ...]) -> Make:
    if isinstance(document, str):
        return _expression(document, place, names)
    if isinstance(document, dict):
        for each in ("$each", "$with"):
            if each in document:
                return _each(document, each, place, names)
        fields = {name: _compiled(value, place / name, names) for name, value in document.items()}
        return lambda scope: _object(fields, scope)
    if isinstance(document, list):
        items = [_compiled(item, place / number, names) for number, item in enumerate(document)]
        return lambda scope: [value for make in items if (value := make(scope)) is not None]
    return lambda _: document


def _object(fields: Mapping[str, Make], scope: Scope) -> dict[str, Any]:
    spend()
    found = ((name, make(scope)) for name, make in fields.items())
    return {name: value for name, value in found if value is not None and value != {}}


def _each(document: Mapping[str, Any], each: str, place: SourceLocation, names: tuple[str, ...]) -> Make:
    if set(document) != {each, "$as"}:
        raise place.refusal(f"{each} cần $as và không gì khác", f"{each} takes $as and nothing else")
    items = _compiled(document[each], place / each, names)
    item = _compiled(document["$as"], place / "$as", (*names, "item"))

    def make(scope: Scope) -> Any:
        found = items(scope)
        if each == "$with":
            return None if found is None or found is False else item({**scope, "item": found})
        spend(len(found) if found else 0)
        return found and [item({**scope, "item": one}) for one in found]

    return make


def _expression(text: str, place: SourceLocation, names: tuple[str, ...]) -> Make:
    text = nfc(text)  # as everything is that it will be held against
    try:
        parsed = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = str(error).split("\n", 1)[0].rstrip(".:")
        hint = "; a text that is meant as it stands is written \"'text'\""
        raise place.refusal(
            f"không phải biểu thức JMESPath: {reason}", f"not a JMESPath expression: {reason}{hint}"
        ) from error
    _known(parsed, place, names, top=True)
    tree, interpreter = _exact(parsed, place), _Interpreter()

    def make(scope: Scope) -> Any:
        try:
            return _pruned(interpreter.visit(tree, scope))
        except MappingError as unmappable:
            raise MappingError(f"{place}: {unmappable}", place) from unmappable
        except JMESPathTypeError as error:  # its text quotes the value
            wanted = " or ".join(error.expected_types)
            raise MappingError(
                f"{place}: {error.function_name} takes {wanted}, not {error.actual_type}", place
            ) from error
        except (JMESPathError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise MappingError(f"{place}: {type(error).__name__}", place) from error

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
        made = FUNCTIONS.call_function(node["value"], arguments)
        spend(_size(made))
        return made

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compare as JSON does; a number is never held against a text.

        Raises:
            MappingError: one of two that are to be ordered is a number and one a text.
        """
        one, other = (self.visit(child, value) for child in node["children"])
        kind = node["value"]
        if kind in ("eq", "ne"):
            return same(one, other) is (kind == "eq")
        if isinstance(one, str) and isinstance(other, str):
            return self.COMPARATOR_FUNC[kind](one, other)
        numbers = exact(one), exact(other)
        if None not in numbers:
            return self.COMPARATOR_FUNC[kind](*numbers)
        if (isinstance(one, str) and numbers[1] is not None) or (isinstance(other, str) and numbers[0] is not None):
            raise MappingError("a text is compared with a number; write number(…) of the text")
        return None


def _exact(node: Any, place: SourceLocation) -> Any:
    """A parsed expression whose literal numbers keep their digits; the library shares what it has parsed, so this is another."""
    if node["type"] == "literal":
        return {**node, "value": _exact_literal(node["value"], place)}
    children = [_exact(child, place) if isinstance(child, dict) else child for child in node.get("children", ())]
    return {**node, "children": children}


def _exact_literal(value: Any, place: SourceLocation) -> Any:
    if isinstance(value, list):
        return [_exact_literal(item, place) for item in value]
    if isinstance(value, dict):
        return {name: _exact_literal(item, place) for name, item in value.items()}
    if isinstance(value, str):
        return nfc(value)
    if not isinstance(value, float):
        return value
    found = Decimal(repr(value))
    if len(found.as_tuple().digits) > MOST_DIGITS:
        raise place.refusal(
            "một số trong biểu thức có quá nhiều chữ số; hãy viết number('…')",
            "a number in the expression has more digits than are kept there; write number('…')",
        )
    return found


def _known(node: Any, place: SourceLocation, names: tuple[str, ...], *, top: bool) -> None:
    """Refuse what nobody could mean: functions and variables that are not there."""
    kind, value = node["type"], node.get("value")
    if kind == "subexpression" and node["children"][0]["type"] == "not_expression":  # JMESPath reads !a.b as (!a).b
        raise place.refusal("hãy viết !(a.b) thay cho !a.b", "write !(a.b) for !a.b, which JMESPath reads as (!a).b")
    if kind == "function_expression":
        if value not in NAMES:
            raise place.refusal(
                f"không có hàm {value}", f"there is no function {value}; docs/reference/mapping.md lists them"
            )
        _called(value, node["children"], place)
    if top and kind == "field" and value not in names:
        known = ", ".join(names)
        raise place.refusal(f"không có biến {value}; có: {known}", f"there is no variable {value}; there are: {known}")
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
        _known(child, place, names, top=top and not (inside and number > 0))


def _called(name: str, arguments: list[Any], place: SourceLocation) -> None:
    """Refuse a function with too few or too many arguments, or with a literal one that it can never take."""
    least, most = NAMES[name], MOST.get(name, len(arguments))
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least}–{most}"
        raise place.refusal(f"hàm {name} cần {wanted} tham số", f"{name} takes {wanted} arguments")
    for number, argument in enumerate(arguments):
        if number and argument["type"] == "literal":
            try:
                check_argument(name, number, argument["value"])
            except MappingError as unmappable:
                raise place.refusal(f"hàm {name}: {unmappable}", f"{name}: {unmappable}") from unmappable


def _children(node: Any) -> Iterator[Any]:
    if node["type"] in ("expref", "slice"):
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child


def _pruned(value: Any) -> Any:
    """Without the nulls that a multi-select leaves in objects."""
    if isinstance(value, dict):
        spend(len(value))
        return {name: _pruned(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        spend(len(value))
        return [_pruned(item) for item in value]
    return value


def _size(value: Any) -> int:
    """Steps that a function takes to go through a value."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, (list, dict)) else 0
