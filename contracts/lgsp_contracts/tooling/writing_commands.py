"""`lgsp contract new`: create a contract from a template."""

import json
import re
from pathlib import Path
from typing import Literal

import yaml

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import Output, out, prompt, refuse_to_overwrite
from lgsp_contracts.published_schemas import editor_line
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
    idempotent: true          # false, where a repeated call has another effect than one call
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
    """Create a contract from a template. Options that are missing are asked for at a terminal.

    Parameters
    ----------
    service
        The name of the service, such as land-parcels.
    provider
        The system in the registry that provides the service.
    operation
        The first operation, such as lookup-parcel.
    title_vi
        The title in Vietnamese.
    title_en
        The title in English.
    classification
        The classification of the data: open, internal or personal.
    output
        The file to write; SERVICE.yaml by default.
    """
    service_name = names.service_name(service)
    path = output or Path(f"{service_name}.yaml")
    refuse_to_overwrite(path)
    data_class = classification or prompt("classification: open, internal or personal", "personal")
    text = _DRAFT.format(
        service=service_name,
        provider=names.system_name(
            provider or prompt("provider: the system that provides the service", f"{service_name}-system")
        ),
        operation=names.operation_name(operation or prompt("operation", "lookup-record")),
        vi=_yaml_scalar(title_vi or prompt("title in Vietnamese", service_name)),
        en=_yaml_scalar(title_en or prompt("title in English", service_name)),
        classification=data_class,
        subject="    subject: /soDinhDanh\n" if data_class == "personal" else "",
    )
    path.write_text(editor_line("contract") + text, encoding="utf-8")
    try:
        read(path)
    except Refusal:
        path.unlink()
        raise
    out(f"{path}: complete its fields, then: lgsp contract check {path}\n")


def _yaml_scalar(text: str) -> str:
    """Write a text as a YAML scalar: plain where it is only words, quoted otherwise."""
    plain = re.fullmatch(r"\w[\w ]*", text) and yaml.safe_load(text) == text
    return text if plain else harmless(json.dumps(text, ensure_ascii=False))
