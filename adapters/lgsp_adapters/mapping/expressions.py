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

from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from lgsp_adapters.mapping.budget import spend
from lgsp_adapters.mapping.expression_checks import check_names
from lgsp_adapters.mapping.interpreter import ExactInterpreter, with_exact_numbers
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.text.normalization import nfc
from lgsp_contracts.source_location import SourceLocation

Scope = Mapping[str, Any]
Evaluator = Callable[[Scope], Any]

REPETITIONS = ("$each", "$with")
"""The keys that evaluate the template under `$as` for a value, which is its variable `item`."""


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
    check_names(parsed, location, names)
    tree, interpreter = with_exact_numbers(parsed, location), ExactInterpreter()

    def make(scope: Scope) -> Any:
        try:
            return _without_nulls(interpreter.visit(tree, scope))
        except MappingError as unmappable:
            raise MappingError(str(unmappable), location) from unmappable
        except JMESPathTypeError as error:  # its text quotes the value
            wanted = " or ".join(error.expected_types)
            raise MappingError(f"{error.function_name} takes {wanted}, not {error.actual_type}", location) from error
        except (JMESPathError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise MappingError(type(error).__name__, location) from error

    return make


def _without_nulls(value: Any) -> Any:
    """Drop the nulls that a multi-select leaves in objects."""
    if isinstance(value, dict):
        spend(len(value))
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        spend(len(value))
        return [_without_nulls(item) for item in value]
    return value
