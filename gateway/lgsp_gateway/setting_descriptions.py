"""What the settings of a process are, in words: for a terminal, the reference page and a file of settings."""

import re
from typing import Literal

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from lgsp_gateway.config import environment_name

Format = Literal["text", "markdown", "yaml"]


def describe_effective(settings: BaseSettings) -> str:
    """Describe each setting for a terminal, with its value where the environment or a file sets it."""
    return "".join(
        _as_text(name, field, str(getattr(settings, name)) if name in settings.model_fields_set else None)
        for name, field in type(settings).model_fields.items()
    )


def describe(settings: type[BaseSettings], form: Format) -> str:
    """Describe each setting: name, default, bounds, meaning.

    Args:
        form: `text` for a terminal, `markdown` for the reference page, `yaml` for a file of settings whose lines are comments.
    """
    write = {"text": _as_text, "markdown": _as_row, "yaml": _as_yaml}[form]
    return "".join(write(name, field) for name, field in settings.model_fields.items())


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value in (None, "", ()) else str(value)


def _as_text(name: str, field: FieldInfo, value: str | None = None) -> str:
    default = _default(field)
    shown = (f"  [{default}]" if default else "") + (f"  = {value}" if value is not None else "")
    return f"--{name.replace('_', '-')}, {environment_name(name)}{shown}\n    {field.description}\n"


def _as_row(name: str, field: FieldInfo) -> str:
    default = _default(field)
    description = re.sub(r"\|", r"\\|", field.description or "")
    return f"| `{name.replace('_', '-')}` | `{environment_name(name)}` | {f'`{default}`' if default else ''} | {description} |\n"


def _as_yaml(name: str, field: FieldInfo) -> str:
    if name == "config":
        return ""
    return f"# {field.description}\n# {name.replace('_', '-')}: {_default(field)}\n\n"
