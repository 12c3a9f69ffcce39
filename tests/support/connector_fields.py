"""The table of fields in the README of each connector, made from its schema: `PYTHONPATH=tests python -m support.connector_fields`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONNECTORS = Path(__file__).parents[2] / "adapters/lgsp_adapters/connectors"
COMMON = json.loads((CONNECTORS.parent / "manifest.schema.json").read_text(encoding="utf-8"))
_TABLE = re.compile(r"(<!-- fields: [^\n]* -->\n).*?(<!-- end of fields -->)", re.DOTALL)


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool, str]]:
    """Yield each field of a schema: its path, whether it is required, and its description."""
    for name, part in schema.get("properties", {}).items():
        common = COMMON["properties"].get(name, {}) if not path else {}
        required = name in {*schema.get("required", ()), *(COMMON["required"] if not path else ())}
        yield path + name, required, part.get("description") or common.get("description", "")
        yield from fields(part, f"{path}{name}.")
        for inner, step in (("additionalProperties", ".NAME."), ("items", "[].")):
            if isinstance(part.get(inner), dict):
                yield from fields(part[inner], f"{path}{name}{step}")


def with_fields(folder: Path) -> str:
    """Make the README of a connector's folder with the table of its fields as its schema has them now."""
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    rows = [f"| `{path}` | {'yes' if required else ''} | {text} |" for path, required, text in fields(schema)]
    table = "\n".join(["| field | required | |", "| --- | --- | --- |", *rows, ""])
    readme = (folder / "README.md").read_text(encoding="utf-8")
    return _TABLE.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", readme)


if __name__ == "__main__":
    for schema_file in CONNECTORS.glob("*/schema.json"):
        (schema_file.parent / "README.md").write_text(with_fields(schema_file.parent), encoding="utf-8")
