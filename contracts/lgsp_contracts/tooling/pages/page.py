"""The pages of the catalogue, in HTML that stands by itself: no script, no file beside it, nothing from another place.

Whatever a contract says is text: it is escaped, and `POLICY` lets a browser run nothing.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lgsp_contracts.contract import Contract
from lgsp_contracts.summary import ContractSummary
from lgsp_contracts.tooling.openapi import COMMON
from lgsp_contracts.tooling.pages.examples import PURPOSE, examples
from lgsp_contracts.tooling.pages.fields import fields
from lgsp_problems import CODES, Language, Text, harmless

SHOWN = 200
"""How many services one page of the catalogue lists."""

CLASSIFIED = {
    "open": Text("dữ liệu mở", "open data"),
    "internal": Text("dùng trong cơ quan nhà nước", "internal"),
    "personal": Text("dữ liệu cá nhân", "personal data"),
}
_STYLE = files("lgsp_contracts.tooling.pages").joinpath("templates/style.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy under which the pages are to be served."""

_TEMPLATES = Environment(
    loader=PackageLoader("lgsp_contracts.tooling.pages", "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=True,
    finalize=lambda told: harmless(told) if isinstance(told, str) and not isinstance(told, Markup) else told,
)

# Compiled as the module is loaded: the first page does not keep anybody waiting.
_PAGES = {name: _TEMPLATES.get_template(f"{name}.html.jinja") for name in ("frame", "catalogue", "service")}


def service(contract: Contract, url: str, language: Language, *, inside: bool, notices: Sequence[Text] = ()) -> str:
    """Write the page of one service.

    Args:
        url: where the bus is.
        inside: the page is one of a bus's catalogue, and has links to others of it.
        notices: what is to be known before anything else, such as a day on which it ends.
    """
    return "".join(service_in_pieces(contract, url, language, inside=inside, notices=notices))


def service_in_pieces(
    contract: Contract, url: str, language: Language, *, inside: bool, notices: Sequence[Text] = ()
) -> Iterator[str]:
    """Write the page of one service piece by piece, with pauses for others between them."""
    return _write(
        "service",
        language,
        contract=contract,
        url=url.rstrip("/"),
        inside=inside,
        notices=notices,
        fields=fields,
        examples=examples,
        purpose=PURPOSE,
        common={code: CODES[code] for code in COMMON},
    )


def catalogue(shown: Sequence[ContractSummary | Contract], count: int, words: str, language: Language) -> Iterator[str]:
    """Write the page that lists services, piece by piece: two hundred of them take ten milliseconds.

    Args:
        shown: those that stand on it, at most `SHOWN`.
        count: how many were found.
        words: by which they were found.
    """
    return _write("catalogue", language, contracts=shown, count=count, words=words)


def _write(name: str, language: Language, **told: object) -> Iterator[str]:
    return _PAGES[name].generate(
        language=language,
        style=Markup(_STYLE),  # noqa: S704 - our own file
        classified=CLASSIFIED,
        say=lambda text: text.in_language(language),
        t=lambda vi, en: en if language == "en" else vi,
        pretty=lambda document: json.dumps(document, ensure_ascii=False, indent=2),
        **told,
    )
