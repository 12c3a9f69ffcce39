"""The pages of `docs/reference` that are made from schemas, and the schemas for editors: `PYTHONPATH=tests python -m support.reference_pages`."""

import json
from collections.abc import Iterable
from typing import Any

from lgsp_adapters import connector_folders
from lgsp_adapters.connectors import manifest_keys
from lgsp_contracts import schema_keys
from lgsp_contracts.published_schemas import editor_line
from support.published_schemas import ADAPTERS, CONTRACTS, FOLDER, ROOT, published

REFERENCE = ROOT / "docs/reference"
_MADE = "Made by `PYTHONPATH=tests python -m support.reference_pages` from the schemas that documents are checked with; a test compares them."
_COLUMNS = "| key | type | default | meaning | example |\n| --- | --- | --- | --- | --- |\n"
_WORDS = """\
`NAME` in a key stands for any name, `[]` for each item of an array. In the column *default*, **required** marks a key that must be
given; an empty cell means that leaving the key out has no effect of its own.
"""

CONTRACT_PAGE = f"""\
# The keys of a contract

{_MADE}

A contract is a YAML document. `lgsp contract check FILE` checks it; an editor that knows the YAML language server checks and completes it while you write, if
its first line names the schema. The address is that of any gateway, or the path of the file in [`docs/schemas`](../schemas/contract.json):

```yaml
{{modeline}}service: land-parcels
version: 1.0.0
```

How to write one: [connect a system](../integrate/connect-a-system.md). Formats of strings: [formats](formats.md).

{_WORDS}
"""

MANIFEST_PAGE = f"""\
# The keys of a manifest

{_MADE}

The manifest `adapter.yaml` describes an adapter. `kind` names its connector, which adds keys of its own. `lgsp adapter check FILE` checks it, `lgsp adapter explain KEY`
shows a part of this page on the terminal. For an editor ([schema](../schemas/manifest.json)):

```yaml
{{modeline}}service: land-parcels
major: 1
```

An *expression* is a JMESPath expression, a *mapping* a document whose texts are expressions: [mapping](mapping.md).

{_WORDS}
"""

REGISTRY_PAGE = f"""\
# The keys of the registry's documents

{_MADE}

Agencies, purposes, systems, services, grants, persons and the instance itself are documents: `lgsp apply -f FILE` writes them, and one file may hold several, separated by `---`.
Who may write which: [administer the registry](../operate/administer-the-registry.md). For an editor (schemas for [all kinds](../schemas/registry.json), or for one, such as
[agency](../schemas/agency.json)):

```yaml
{{modeline}}apiVersion: lgsp/v1
kind: Agency
```

{_WORDS}
## All documents

"""

_EXAMPLES = {
    "Agency": """\
apiVersion: lgsp/v1
kind: Agency
metadata: {name: H49.12}
spec:
  title: {vi: Sở Tài nguyên và Môi trường, en: Department of Natural Resources and Environment}
""",
    "Purpose": """\
apiVersion: lgsp/v1
kind: Purpose
metadata: {name: cap-giay-phep-xay-dung}
spec:
  title: {vi: Cấp giấy phép xây dựng, en: Issuing of construction permits}
  legalBasis: Luật Xây dựng 2014, Điều 102
""",
    "System": """\
apiVersion: lgsp/v1
kind: System
metadata: {name: mot-cua}
spec:
  agency: H49.12
  title: {vi: Một cửa, en: One-stop shop}
  jwks:
    - {kty: OKP, crv: Ed25519, kid: 2026-1, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}
""",
    "Service": """\
apiVersion: lgsp/v1
kind: Service
metadata: {name: land-parcels-v1}
spec:
  phase: submitted
  contract:
    service: land-parcels
    version: 1.0.0
    title: {vi: Thửa đất, en: Land parcels}
    provider: csdl-dat-dai
    classification: internal
    operations:
      lookup-parcel:
        title: {vi: Tra cứu thửa đất, en: Look up a parcel}
        idempotent: true
        request:
          type: object
          required: [soThua]
          additionalProperties: false
          properties: {soThua: {type: integer, minimum: 1}}
        response:
          type: object
          required: [dienTich]
          additionalProperties: false
          properties: {dienTich: {type: number}}
        example: {request: {soThua: 7}, response: {dienTich: 120.5}}
""",
    "Grant": """\
apiVersion: lgsp/v1
kind: Grant
metadata: {name: mot-cua-land-parcels}
spec:
  consumer: mot-cua
  service: land-parcels
  major: 1
  operations: {lookup-parcel: {fields: ["*"]}}
  purposes: [cap-giay-phep-xay-dung]
  legalBasis: Nghị định 107/2021/NĐ-CP, Điều 7
  quota: {requests: 10, per: second, daily: 5000}
  validFrom: 2026-01-01
  validUntil: 2026-12-31
""",
    "Person": """\
apiVersion: lgsp/v1
kind: Person
metadata: {name: p-abcdefghijklmnopqrstuvwxyz}
spec:
  issuer: https://dinhdanh.example.vn
  agency: H49.12
  roles: [agency-admin]
""",
    "Instance": """\
apiVersion: lgsp/v1
kind: Instance
metadata: {name: this}
spec: {identifier: VN, memberClass: GOV, title: {vi: Tỉnh Quảng Ninh, en: Quảng Ninh Province}}
""",
}


def pages() -> dict[str, str]:
    """Make the content of each page, by its name."""
    return {
        "contract.md": _contract_page(),
        "manifest.md": _manifest_page(),
        "registry-documents.md": _registry_page(),
    }


def _contract_page() -> str:
    schema = _read(CONTRACTS / "contract.schema.json")
    return CONTRACT_PAGE.format(modeline=editor_line("contract")) + _table(schema_keys.keys(schema, schema["$defs"]))


def _manifest_page() -> str:
    shared = _read(ADAPTERS / "manifest.schema.json")
    common = list(schema_keys.keys(shared, shared["$defs"]))
    text = MANIFEST_PAGE.format(modeline=editor_line("manifest")) + "## All connectors\n\n" + _table(common)
    for connector in connector_folders.shipped_names():
        rows = [
            key
            for key in manifest_keys.keys(connector)
            if key.path.split(".")[0] not in shared["properties"] or _own(key, common)
        ]
        text += f"\n## Connector `{connector}`\n\nIts [README](../../adapters/lgsp_adapters/connectors/{connector}/README.md) has an example.\n\n"
        text += _table(rows) if rows else "It has no keys of its own.\n"
    return text


def _own(key: Any, common: list[Any]) -> bool:
    """Whether a connector says more of a shared key than all connectors do."""
    return key.description not in {each.description for each in common if each.path == key.path}


def _registry_page() -> str:
    schema = _read(CONTRACTS / "registry.schema.json")
    text = REGISTRY_PAGE.format(modeline=editor_line("registry")) + _table(schema_keys.keys(schema, schema["$defs"]))
    for kind, example in _EXAMPLES.items():
        part = schema["$defs"][kind.lower()]
        text += f"\n## {kind}\n\n```yaml\n{example}```\n\n" + _table(schema_keys.keys(part, schema["$defs"], "spec"))
    issuers = _read(CONTRACTS / "issuers.schema.json")
    text += "\n## The file of other issuers\n\nThe setting `issuers` of a gateway names it: [other issuers](../operate/other-issuers.md).\n\n"
    return text + _table(schema_keys.keys(issuers, {}))


def _table(keys: Iterable[Any]) -> str:
    rows = [
        f"| `{key.path}` | {_cell(key.type)} | {'**required**' if key.required else _code(key.default)} | {_cell(key.description)} | {_code(key.example)} |\n"
        for key in keys
    ]
    return _COLUMNS + "".join(rows)


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _read(path: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in published().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    for name, content in pages().items():
        (REFERENCE / name).write_text(content, encoding="utf-8")
