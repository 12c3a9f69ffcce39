"""Parts of drafts of contracts that are made from the description of a system.

A draft is a valid contract, so that it can be mocked at once. A person corrects what it can only guess: titles, the
classification (personal, until corrected), errors, and examples, which are generated from the schemas.
"""

import re
from collections.abc import Mapping
from typing import Any

from lgsp_contracts.field_names import unaccented
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema
from lgsp_problems import Refusal

Document = dict[str, Any]


def kebab(name: str) -> str:
    """Convert an id to the bus's form: `getPatientById` → `get-patient-by-id`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", unaccented(name))
    hyphenated = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    return (hyphenated if hyphenated[:1].isalpha() else f"call-{hyphenated}")[:63].strip("-")


def camel(name: str) -> str:
    """Convert the name of a column to that of a field: `SO_DINH_DANH` → `soDinhDanh`, `Họ và tên` → `hoVaTen`."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", unaccented(name)) if part] or ["field"]
    lowered = first.lower() if first.isupper() else first[:1].lower() + first[1:]
    return lowered + "".join(part[:1].upper() + part[1:].lower() for part in rest)


def contract(service: str, provider: str, operations: Mapping[str, Document]) -> Document:
    """Assemble the document of a contract from its operations."""
    title = {"vi": service, "en": service}
    head = {"service": service, "version": "1.0.0", "title": title, "provider": provider, "classification": "personal"}
    return {**head, "operations": dict(operations)}


def operation(title: str, request: Document, response: Document, *, idempotent: bool) -> Document:
    """Draft an operation, with an example generated from its schemas.

    Raises:
        Refusal: `invalid-document`, when no example can be generated.
    """
    text = {"vi": title, "en": title}
    example = {}
    for part, schema in (("request", request), ("response", response)):
        examples = list(samples(Schema(schema, f"{title}, {part}"), 3))
        if not examples:
            raise Refusal(
                "invalid-document",
                vi=f"{title}: không tạo được ví dụ cho {part}; hãy viết hợp đồng này bằng tay.",
                en=f"{title}: no example could be generated for the {part}; write this contract by hand.",
            )
        example[part] = examples[-1]
    return {
        "title": text,
        "timeout": "5s",
        "idempotent": idempotent,
        "request": request,
        "response": response,
        "example": example,
    }
