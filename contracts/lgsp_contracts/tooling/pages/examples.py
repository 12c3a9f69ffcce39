"""Programs that get a token and that call one operation, in the languages that agencies use: one template per language, each run by a test.

An example takes its token from the environment variable LGSP_TOKEN, so that nobody pastes one into a program. The programs that get
a token print it for that purpose; they sign with the key in the file LGSP_KEY.
"""

import json
import math
import shlex
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from lgsp_contracts.contract import Operation
from lgsp_problems import harmless

LANGUAGES = {
    "curl": ("curl", "curl.sh"),
    "python": ("Python", "python.py"),
    "java": ("Java", "java.java"),
    "csharp": ("C#", "csharp.cs"),
    "php": ("PHP", "php.php"),
    "javascript": ("JavaScript", "javascript.mjs"),
}
PURPOSE = "MUC-DICH"
"""A placeholder: the purpose is named by a grant, not by the contract."""

MARGIN_SECONDS = 5
"""How much longer than the contract's timeout a program waits; the bus responds before that."""


@dataclass(frozen=True, slots=True)
class CodeExample:
    """A program that calls an operation."""

    language: str
    title: str
    text: str


def examples(operation: Operation, url: str, purpose: str = PURPOSE) -> list[CodeExample]:
    """Render programs that send the example request of an operation, one per language.

    Args:
        url: of the operation.
        purpose: the value of `Lgsp-Purpose`, used where the operation reads personal data.
    """
    request = operation.example.request
    context = {
        "url": url,
        "request": request,
        "body": harmless(json.dumps(request, ensure_ascii=False)),
        "purpose": purpose if operation.classification == "personal" else "",
        "timeout": math.ceil(operation.timeout) + MARGIN_SECONDS,
    }
    return [
        CodeExample(language, title, _PROGRAMS[file].render(context).rstrip() + "\n")
        for language, (title, file) in LANGUAGES.items()
    ]


def token_programs(url: str) -> list[CodeExample]:
    """Render programs that get an access token of a system and print it, one per language.

    Args:
        url: the address of the bus, which is its issuer.
    """
    return [
        CodeExample(language, title, _TOKEN_PROGRAMS[file].render(url=url.rstrip("/")).rstrip() + "\n")
        for language, (title, file) in LANGUAGES.items()
    ]


def _quoted(text: str) -> str:
    """Quote a string as Python and JavaScript both do."""
    return harmless(json.dumps(text, ensure_ascii=False))


def _ascii(text: str) -> str:
    """Quote a string as Java and C# do, in ASCII: older compilers read a file in the encoding of the machine, not in UTF-8."""
    return json.dumps(text)


def _php(text: str) -> str:
    """Quote a string for PHP without interpolation."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_TEMPLATES = Environment(
    loader=PackageLoader("lgsp_contracts.tooling.pages", "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - programs, not pages: each value is quoted for its language
)
_TEMPLATES.filters.update(quoted=_quoted, ascii=_ascii, python=repr, php=_php, shell=shlex.quote)
_FILES = [file for _, file in LANGUAGES.values()]
_PROGRAMS = {file: _TEMPLATES.get_template(f"examples/{file}.jinja") for file in _FILES}
_TOKEN_PROGRAMS = {file: _TEMPLATES.get_template(f"tokens/{file}.jinja") for file in _FILES}
"""Compiled at import, so that the first page is not slower than others."""
