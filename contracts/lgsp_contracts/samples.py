"""Sample documents generated from a schema: the smallest, the largest, and others in between.

They serve the mock of a contract and the conformance tests of adapters. The same seed gives the same documents. Keywords that are not
handled here are met by trial: every document is validated against the schema before it is yielded.
"""

import datetime
import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import rstr

from lgsp_contracts import references
from lgsp_contracts.schemas import Schema

TRIES = 20
MAX_ITEMS = 3
"""The most items of a list, unless the schema requires more."""
MAX_DEPTH = 60
"""Levels of a schema and of its references; a schema can refer to itself without end."""

WORDS = ("Hạ Long", "Nguyễn Văn An", "Phường Hồng Gai", "Đông Triều", "Trần Thị Bình", "Cẩm Phả")


def samples(schema: Schema, count: int, seed: str = "") -> Iterator[Any]:
    """Generate up to `count` different documents; fewer where the schema allows no more or no others could be generated."""
    yielded: list[Any] = []
    for number in range(count * TRIES):
        if len(yielded) == count:
            return
        fullness = {0: 0.0, 1: 1.0}.get(number, 0.5)
        document = _SampleGenerator(schema.document, random.Random(f"{seed}{number}"), fullness).value(schema.document)  # noqa: S311
        if document not in yielded and schema.is_valid(document):
            yielded.append(document)
            yield document


class _SampleGenerator:
    def __init__(self, root: Mapping[str, Any], chance: random.Random, fullness: float) -> None:
        self._root = root
        self._chance = chance
        self._fullness = fullness
        self._patterns = rstr.Rstr(chance)

    def value(self, schema: Any, depth: int = 0) -> Any:
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
            return "x"
        if "$ref" in schema:
            return self.value(references.resolve(schema["$ref"], self._root), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._chance.choice(schema["enum"])
        for choices in ("anyOf", "oneOf"):
            if choices in schema:
                rest = {key: value for key, value in schema.items() if key != choices}
                return self.value(_merged(rest, self._chance.choice(schema[choices])), depth)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        make: Callable[[Mapping[str, Any], int], Any] = getattr(self, f"_{kind if isinstance(kind, str) else kind[0]}")
        return make(schema, depth)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(part, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or (self._chance.random() < self._fullness and depth < MAX_ITEMS * 3)
        }

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        lowest = schema.get("minItems", 0)
        highest = max(lowest, min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS))
        length = {0.0: lowest, 1.0: highest}.get(self._fullness, self._chance.randint(lowest, highest))
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(length)]

    def _integer(self, schema: Mapping[str, Any], _: int) -> int:
        step = schema.get("multipleOf", 1)
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        highest = schema.get("maximum", schema.get("exclusiveMaximum", lowest + 1000) - 1)
        edges = {0.0: lowest, 1.0: highest}
        return int(
            edges.get(self._fullness, self._chance.randint(int(lowest), int(max(lowest, highest)))) // step * step
        )

    def _number(self, schema: Mapping[str, Any], _: int) -> float:
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", -0.5) + 0.5)
        highest = schema.get("maximum", schema.get("exclusiveMaximum", lowest + 1000) - 0.5)
        return round(self._chance.uniform(lowest, highest), 1)

    def _boolean(self, _schema: Mapping[str, Any], _: int) -> bool:
        return self._chance.random() < 0.5

    def _null(self, _schema: Mapping[str, Any], _: int) -> None:
        return None

    def _string(self, schema: Mapping[str, Any], _: int) -> str:
        if "format" in schema:
            return self._formatted(schema["format"])
        text = self._text(schema)
        if "pattern" in schema and not re.search(schema["pattern"], text):
            return self._patterns.xeger(schema["pattern"])
        return text

    def _text(self, schema: Mapping[str, Any]) -> str:
        lowest: int = schema.get("minLength", 0)
        highest: int = schema.get("maxLength", 40)
        if self._fullness == 1.0:
            return ("Nguyễn Thị Hồng Ánh " * (highest // 20 + 1))[:highest].rstrip().ljust(lowest, "a")
        return self._chance.choice(WORDS)[: max(highest, 1)].ljust(lowest, "a") if lowest or self._fullness else ""

    def _formatted(self, name: str) -> str:
        digits = {"so-dinh-danh": 12, "so-cmnd": 9, "ma-so-bhxh": 10, "ma-the-bhyt": 10}
        day = datetime.date(1930, 1, 1) + datetime.timedelta(self._chance.randrange(35_000))
        if name in digits:
            return "".join(self._chance.choices("0123456789", k=digits[name]))
        if name == "ma-so-doanh-nghiep":
            base = "57" + "".join(self._chance.choices("0123456789", k=7))
            weights = (31, 29, 23, 19, 17, 13, 7, 5, 3)
            return base + str((10 - sum(w * int(d) for w, d in zip(weights, base, strict=True)) % 11) % 10)
        others = {
            "date": day.isoformat(),
            "date-time": f"{day.isoformat()}T08:00:00+07:00",
            "email": "ho-tro@example.vn",
            "van-ban-khong-mat": "Công văn",
            "do-mat-thuong": "Thường",
            "uri": "https://example.vn/a",
            "ma-dinh-danh-dien-tu": f"H49.{self._chance.randint(1, 99)}",
        }
        if name in ("uuid", "file-reference"):
            digits_of_id = f"{self._chance.getrandbits(128):032x}"
            id_ = "-".join(digits_of_id[start:end] for start, end in pairwise((0, 8, 12, 16, 20, 32)))
            return f"/files/{id_}" if name == "file-reference" else id_
        return others.get(name, "x")


def _merged(schema: Mapping[str, Any], choice: Any) -> Mapping[str, Any]:
    """Merge a schema and one of its choices."""
    if not isinstance(choice, Mapping):
        return schema
    required = [*schema.get("required", ()), *choice.get("required", ())]
    properties = {**schema.get("properties", {}), **choice.get("properties", {})}
    return {
        **schema,
        **choice,
        **({"required": required} if required else {}),
        **({"properties": properties} if properties else {}),
    }
