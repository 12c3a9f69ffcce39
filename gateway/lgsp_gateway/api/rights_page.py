"""`docs/reference/rights.md`, written from the routes: who may ask which path."""

import re
from collections.abc import Iterable

from lgsp_auth.roles import ROLES
from lgsp_gateway.http.routes import Route

_HEAD = """\
# Who may ask which path

Written from the routes and the table of roles by `python tests/gateway/test_rights.py`; a test holds it together with both, and tries
each cell on a running gateway. What a route declares is held before anything of a request is read, asked of NATS or kept.

A role is a system's or a person's; only systems call services. `any` reaches every document, `own` those of the caller's agency: its own systems, the services that they provide, the grants on these;
for reading a grant, and for asking for one, the consumer's agency counts too. Of a document that a caller may not read it does not
learn that it is there (404). A history shows of each version only what the caller may read, and a deleted document's to those whose
it was. To write takes in what a document was and what it becomes. Beyond the role, a change is held against the life cycles
([administer-the-registry.md](../operate/administer-the-registry.md)).

"""
_WHO = {
    "public": "anybody",
    "anybody": "anybody",
    "optional": "anybody; a token that is shown must hold",
    "client": "a client that proves itself in the form",
    "person": "a citizen, by a token of an issuer that speaks of people",
    "token": "any registered system, or a person who is signed in",
}
_CALLS = "| `POST /services/{service}/v{major}/{operation}` | a system with a grant in force |" + " |" * len(ROLES)


def page(routes: Iterable[Route]) -> str:
    """The page, in Markdown."""
    head = ["path", "who", *ROLES]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", _CALLS, *map(_line, routes)]
    return _HEAD + "\n".join(lines) + "\n"


def _line(route: Route) -> str:
    shown = re.sub(r"\{kind:(\w+)\}", r"\1", route.path)
    shown = re.sub(r"\{(\w+):[^}]+\}", r"{\1}", shown)
    if route.right:
        who, cells = "by role and document", [route.right.scope(role) for role in ROLES]
    else:
        who = "by role" if route.roles else _WHO[route.access]
        cells = ["yes" if role in route.roles else "" for role in ROLES]
    return f"| `{route.method} {shown}` | {who} | {' | '.join(cells)} |"
