"""The pages of the catalogue, in self-contained HTML: no script, no other file, nothing from another origin.

Everything in a contract is text: it is escaped, and `POLICY` keeps a browser from running anything.
"""

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from lgsp_contracts.cli.terminal import as_yaml
from lgsp_contracts.contract import Contract
from lgsp_contracts.summary import ContractSummary
from lgsp_contracts.tooling.openapi import COMMON
from lgsp_contracts.tooling.pages.access import PURPOSE as GRANT_PURPOSE
from lgsp_contracts.tooling.pages.access import ServiceAccess, sample_request
from lgsp_contracts.tooling.pages.event_samples import duration, sample_event, subscription
from lgsp_contracts.tooling.pages.examples import PURPOSE, examples, token_programs
from lgsp_contracts.tooling.pages.fields import alternatives, fields
from lgsp_problems import CODES, Language, Text, harmless
from lgsp_problems.explanations import explanations

MAX_LISTED = 200
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
    finalize=lambda value: harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
)

_NAMES = ("frame", "index", "catalogue", "service", "tokens", "problems", "problem")
# Compiled at import, so that the first page is not slower than others.
_PAGES = {name: _TEMPLATES.get_template(f"{name}.html.jinja") for name in _NAMES}


def service(
    contract: Contract,
    url: str,
    language: Language,
    *,
    inside: bool,
    notices: Sequence[Text] = (),
    access: ServiceAccess | None = None,
) -> str:
    """Render the page of one service.

    Args:
        url: the address of the bus.
        inside: whether the page belongs to a gateway's catalogue and links to its other pages.
        notices: shown first, such as the day on which the service ends.
        access: whom to ask for a grant; None where no registry says so.
    """
    return "".join(service_in_pieces(contract, url, language, inside=inside, notices=notices, access=access))


def service_in_pieces(
    contract: Contract,
    url: str,
    language: Language,
    *,
    inside: bool,
    notices: Sequence[Text] = (),
    access: ServiceAccess | None = None,
) -> Iterator[str]:
    """Render the page of one service in pieces, so that other work can run between them."""
    request = sample_request(contract, access) if access else {}
    return _write(
        "service",
        language,
        contract=contract,
        url=url.rstrip("/"),
        inside=inside,
        notices=notices,
        access=access,
        grant_yaml=as_yaml([request]),
        grant_json=json.dumps(request, ensure_ascii=False),
        grant_purpose=GRANT_PURPOSE,
        quoted=shlex.quote,
        fields=fields,
        alternatives=alternatives,
        examples=examples,
        subscription=subscription,
        sample_event=sample_event,
        duration=duration,
        purpose=PURPOSE,
        common={code: CODES[code] for code in COMMON},
    )


def catalogue(
    summaries: Sequence[ContractSummary | Contract], count: int, words: str, language: Language
) -> Iterator[str]:
    """Render the page that lists services, in pieces: two hundred services take ten milliseconds.

    Args:
        summaries: the services to list, at most `MAX_LISTED`.
        count: how many services matched the search.
        words: the search words.
    """
    return _write("catalogue", language, contracts=summaries, count=count, words=words)


def tokens(url: str, language: Language) -> Iterator[str]:
    """Render the page with programs that get an access token.

    Args:
        url: the address of the bus.
    """
    return _write("tokens", language, url=url.rstrip("/"), programs=token_programs(url))


def index(links: Sequence[tuple[str, Text]], language: Language) -> Iterator[str]:
    """Render the first page of a bus.

    Args:
        links: where it leads to: paths, and what is there.
    """
    return _write("index", language, links=links)


def problems(language: Language) -> Iterator[str]:
    """Render the page that lists the problem codes of the bus."""
    return _write("problems", language, codes=CODES, explanations=explanations(), marked=_marked)


def problem(code: str, language: Language) -> Iterator[str]:
    """Render the page of one problem code of the bus.

    Args:
        code: a key of `CODES`.
    """
    return _write("problem", language, code=code, kind=CODES[code], explanation=explanations()[code], marked=_marked)


def _marked(text: str) -> Markup:
    """Escape a text, and mark its parts in backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _write(name: str, language: Language, **context: object) -> Iterator[str]:
    return _PAGES[name].generate(
        language=language,
        style=Markup(_STYLE),  # noqa: S704 - our own file
        classified=CLASSIFIED,
        say=lambda text: text.in_language(language),
        t=lambda vi, en: en if language == "en" else vi,
        pretty=lambda document: json.dumps(document, ensure_ascii=False, indent=2),
        **context,
    )
