"""What `lgsp contract new` and `import openapi` write: contracts to begin with."""

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from cyclopts import Parameter

from lgsp_contracts import documents, names
from lgsp_contracts.cli.terminal import Output, out, prompt, refuse_to_overwrite, write_yaml
from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling import drafts
from lgsp_contracts.tooling.reading_commands import read
from lgsp_problems import Refusal, harmless

_DRAFT = """\
service: {service}
version: 1.0.0
title: {{vi: {vi}, en: {en}}}
provider: {provider}
classification: {classification}
operations:
  {operation}:
    title: {{vi: {vi}, en: {en}}}
    timeout: 5s
    idempotent: true          # false, where asking twice is not the same as asking once
{subject}    request:
      type: object
      required: [soDinhDanh]
      additionalProperties: false
      properties:
        soDinhDanh: {{type: string, format: so-dinh-danh}}
    response:
      type: object
      required: [ketQua]
      additionalProperties: false
      properties:
        ketQua: {{type: string, maxLength: 200}}
    errors:
      not-on-record: {{status: 404, title: {{vi: Không có dữ liệu, en: Nothing is on record}}}}
    example:
      request: {{soDinhDanh: '022093001234'}}
      response: {{ketQua: Đạt}}
"""


def new(
    service: str,
    /,
    *,
    provider: str | None = None,
    operation: str | None = None,
    title_vi: str | None = None,
    title_en: str | None = None,
    classification: Literal["open", "internal", "personal"] | None = None,
    output: Output = None,
) -> None:
    """Begin a contract. What no option says is asked for at a terminal.

    Parameters
    ----------
    service
        Its id, such as land-parcels.
    provider
        The system in the registry that answers.
    operation
        Its first operation, such as lookup-parcel.
    title_vi, title_en
        What people call it.
    classification
        How its data is classified: open, internal or personal.
    output
        Where to; SERVICE.yaml by default.
    """
    named = names.service_name(service)
    path = output or Path(f"{named}.yaml")
    refuse_to_overwrite(path)
    classified = classification or prompt("classification: open, internal or personal", "personal")
    text = _DRAFT.format(
        service=named,
        provider=names.system_name(provider or prompt("provider: the system that answers", f"{named}-system")),
        operation=names.operation_name(operation or prompt("operation", "lookup-record")),
        vi=_yaml_scalar(title_vi or prompt("title in Vietnamese", named)),
        en=_yaml_scalar(title_en or prompt("title in English", named)),
        classification=classified,
        subject="    subject: /soDinhDanh\n" if classified == "personal" else "",
    )
    path.write_text(text, encoding="utf-8")
    try:
        read(path)
    except Refusal:
        path.unlink()
        raise
    out(f"{path}: write its fields, then: lgsp contract check {path}\n")


def _yaml_scalar(text: str) -> str:
    """A text in a YAML document, whatever it holds; plain where it is words."""
    plain = re.fullmatch(r"\w[\w ]*", text) and yaml.safe_load(text) == text
    return text if plain else harmless(json.dumps(text, ensure_ascii=False))


def import_openapi(
    file: Path, /, *, service: str, provider: str, output: Annotated[Path, Parameter(alias="-o")]
) -> None:
    """Draft a contract out of an OpenAPI 3 document.

    Parameters
    ----------
    file
        The document, as YAML or JSON.
    service
        The id of the service.
    provider
        The system in the registry that answers.
    output
        Where to.
    """
    _, document = documents.read_first(file)
    save(drafts.from_openapi(document, service, provider), output)


def save(document: dict[str, object], path: Path) -> None:
    """Write a draft, unless there is a file already.

    Raises:
        Refusal: `already-exists`, `invalid-document`.
    """
    refuse_to_overwrite(path)
    Contract.from_document(document, str(path))
    write_yaml(document, path)
    out(f"{path}: correct titles, classification and errors, then: lgsp contract check {path}\n")
