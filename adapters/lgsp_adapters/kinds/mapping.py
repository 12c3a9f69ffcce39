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
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options

from lgsp_adapters.kinds.functions import FUNCTIONS, NAMES, Unmappable
from lgsp_contracts.places import Place

Scope = Mapping[str, Any]
Make = Callable[[Scope], Any]

_OPTIONS = Options(custom_functions=FUNCTIONS)


class Template:
    """One compiled template.

    Args:
        document: as it stands in the manifest.
        place: where, for refusals.
        names: the variables that there are.

    Raises:
        Refusal: `invalid-document`, with line, what is wrong and what there is instead.
    """

    def __init__(self, document: Any, place: Place, names: tuple[str, ...]) -> None:
        self.document = document
        self.place = place
        self._make = _compiled(document, place, names)

    def __call__(self, scope: Scope) -> Any:
        """The document for these variables.

        Raises:
            Unmappable: a value does not fit; the text names the place and never the value.
        """
        return self._make(scope)

    @property
    def empty(self) -> bool:
        """Nothing stands there."""
        return self.document is None


def told(answer: Any) -> Any:
    """What a system said, as mappings see it: texts without white space around them, and an empty text is null."""
    if isinstance(answer, str):
        return answer.strip() or None
    if isinstance(answer, dict):
        return {name: told(value) for name, value in answer.items()}
    return [told(item) for item in answer] if isinstance(answer, list) else answer


def _compiled(document: Any, place: Place, names: tuple[str, ...]) -> Make:
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
    found = ((name, make(scope)) for name, make in fields.items())
    return {name: value for name, value in found if value is not None and value != {}}


def _each(document: Mapping[str, Any], each: str, place: Place, names: tuple[str, ...]) -> Make:
    if set(document) != {each, "$as"}:
        raise place.wrong(f"{each} cần $as và không gì khác", f"{each} takes $as and nothing else")
    items = _compiled(document[each], place / each, names)
    item = _compiled(document["$as"], place / "$as", (*names, "item"))

    def make(scope: Scope) -> Any:
        found = items(scope)
        if each == "$with":
            return None if found is None or found is False else item({**scope, "item": found})
        return found and [item({**scope, "item": one}) for one in found]

    return make


def _expression(text: str, place: Place, names: tuple[str, ...]) -> Make:
    try:
        compiled = jmespath.compile(text)
    except JMESPathError as error:
        reason = str(error).split("\n", 1)[0].rstrip(".:")
        hint = "; a text that is meant as it stands is written \"'text'\""
        raise place.wrong(
            f"không phải biểu thức JMESPath: {reason}", f"not a JMESPath expression: {reason}{hint}"
        ) from None
    _known(compiled.parsed, place, names, top=True)

    def make(scope: Scope) -> Any:
        try:
            return _pruned(compiled.search(scope, options=_OPTIONS))
        except Unmappable as unmappable:
            raise Unmappable(f"{place}: {unmappable}") from None
        except JMESPathError as error:  # its text quotes the value
            raise Unmappable(f"{place}: {type(error).__name__}") from None

    return make


def _known(node: Any, place: Place, names: tuple[str, ...], *, top: bool) -> None:
    """Refuse what nobody could mean: functions and variables that are not there."""
    kind, value = node["type"], node.get("value")
    if kind == "subexpression" and node["children"][0]["type"] == "not_expression":  # JMESPath reads !a.b as (!a).b
        raise place.wrong("hãy viết !(a.b) thay cho !a.b", "write !(a.b) for !a.b, which JMESPath reads as (!a).b")
    if kind == "function_expression":
        if value not in NAMES:
            raise place.wrong(
                f"không có hàm {value}", f"there is no function {value}; docs/reference/mapping.md lists them"
            )
        if len(node["children"]) < NAMES[value]:
            raise place.wrong(f"hàm {value} cần {NAMES[value]} tham số", f"{value} takes {NAMES[value]} arguments")
    if top and kind == "field" and value not in names:
        known = ", ".join(names)
        raise place.wrong(f"không có biến {value}; có: {known}", f"there is no variable {value}; there are: {known}")
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


def _children(node: Any) -> Iterator[Any]:
    if node["type"] in ("expref", "slice"):
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield child


def _pruned(value: Any) -> Any:
    """Without the nulls that a multi-select leaves in objects."""
    if isinstance(value, dict):
        return {name: _pruned(item) for name, item in value.items() if item is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value
