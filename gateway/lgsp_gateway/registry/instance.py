"""The name of this bus among others: one document of kind Instance, called `this`, which the first fill brings or an operator declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_problems import Text

THIS = "this"
"""The name of the document; there is one."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What a bus is called.

    Args:
        identifier: the first part of full names, such as `VN`.
        member_class: the second part, of all its agencies, such as `GOV`.
        title: of the province or the organisation that runs it, as citizens read it; None where the document says nothing.
    """

    identifier: str
    member_class: str
    title: Text | None = None


def read_instance(spec: Mapping[str, Any]) -> Instance:
    """Read the spec of an Instance document that keeps its schema."""
    return Instance(spec["identifier"], spec["memberClass"], Text(**spec["title"]) if "title" in spec else None)
