"""What the functions of mappings do, with an example of each: read from `functions.yaml`, for the reference page and for `lgsp adapter explain`."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Example:
    """An expression, the value of its variable `x` as JSON, and its result as JSON, or the error that it raises."""

    expression: str
    x: str
    result: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """The description of one function.

    Args:
        group: `numbers`, `dates`, `strings` or `encodings`.
        arguments: as they are written between the parentheses; optional ones in brackets.
        returns: a type of JSON Schema; `date` and `instant` for strings of these formats; `any` where it depends on the value.
        summary: one or two sentences, the first in the imperative.
    """

    name: str
    group: str
    arguments: str
    returns: str
    summary: str
    examples: tuple[Example, ...]

    @property
    def signature(self) -> str:
        """Return the call of the function as documentation writes it: `round(value, places)`."""
        return f"{self.name}({self.arguments})"


def load() -> dict[str, FunctionReference]:
    """Read the reference of all functions, by name and in the order of the page."""
    text = (files("lgsp_adapters.mapping") / "functions.yaml").read_text(encoding="utf-8")
    groups: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(text)
    return {
        name: FunctionReference(
            name,
            group,
            entry["arguments"],
            entry["returns"],
            entry["summary"],
            tuple(Example(**example) for example in entry["examples"]),
        )
        for group, functions in groups.items()
        for name, entry in functions.items()
    }
