"""The table of fields in the README of each connector, made from its schema: `PYTHONPATH=tests python -m support.connector_fields`."""

import re
from pathlib import Path

from lgsp_adapters.conformance.connector_folder import readme_table

CONNECTORS = Path(__file__).parents[2] / "adapters/lgsp_adapters/connectors"
_TABLE = re.compile(r"(<!-- fields: [^\n]* -->\n).*?(<!-- end of fields -->)", re.DOTALL)


def with_fields(folder: Path) -> str:
    """Make the README of a connector's folder with the table of its fields as its schema has them now."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    return _TABLE.sub(lambda match: f"{match[1]}\n{readme_table(folder.name)}\n{match[2]}", readme)


if __name__ == "__main__":
    for schema_file in CONNECTORS.glob("*/schema.json"):
        (schema_file.parent / "README.md").write_text(with_fields(schema_file.parent), encoding="utf-8")
