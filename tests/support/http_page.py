"""The examples of the page about HTTP, by the heading they stand under."""

from pathlib import Path
from typing import Any

import yaml

PAGE = (Path(__file__).parents[2] / "docs/reference/http-and-soap.md").read_text(encoding="utf-8")


def example(heading: str, number: int = 0) -> dict[str, Any]:
    """The YAML under a heading of the page, the first block unless another is meant."""
    [section] = [part for part in PAGE.split("\n#") if part.lstrip("#").startswith(f" {heading}\n")]
    document: dict[str, Any] = yaml.safe_load(section.split("```yaml\n")[number + 1].partition("```")[0])
    return document
