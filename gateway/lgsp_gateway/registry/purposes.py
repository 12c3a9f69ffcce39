"""Purposes of calls: what people read in place of the codes that grants, calls and evidence hold.

A code counts without a document: who writes a grant need not wait for a title. So nothing is decided by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_problems import Text


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is known of a purpose.

    Args:
        legal_basis: that allows data to be used for it; empty where the document names none.
    """

    title: Text
    legal_basis: str


def read_purpose(spec: Mapping[str, Any]) -> Purpose:
    """Read the spec of a Purpose document that keeps its schema."""
    return Purpose(Text(**spec["title"]), spec.get("legalBasis", ""))
