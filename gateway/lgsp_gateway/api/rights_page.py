"""Generates `docs/reference/rights.md` from the routes: which roles may call which path."""

import re
from collections.abc import Iterable

from lgsp_auth.roles import OFFICER, ROLES
from lgsp_gateway.http.routes import Route

_HEAD = """\
# Who may call which path

Generated from the routes and the table of roles by `PYTHONPATH=tests python tests/gateway/test_rights.py`; a test compares it with both, and tries
each cell on a running gateway. A route's declaration is enforced before the body of a request is read, NATS is asked or anything is stored.

Systems and people have roles; only systems call services, and persons in the role `officer` by the form system of their agency. `any` reaches every document, `own` those of the caller's agency: its own systems, the services that they provide, the grants on these services;
for reading and requesting a grant, the consumer's agency counts too. Of messages, `own` are those that the agency's systems sent, and those that their services were asked
(`side`); only auditors see and search for the persons whom they are about. A caller who may not read a document gets 404, as if it did not
exist. A history shows of each version only what the caller may read, and a deleted document only to those to whom it
belonged. A change must be allowed both on the document as it was and as it becomes. Beyond the roles, a change must follow the life cycles
([administer-the-registry.md](../operate/administer-the-registry.md)).

"""
_CALLERS = {
    "public": "anybody",
    "anybody": "anybody",
    "optional": "anybody; a token, where one is sent, must be valid",
    "client": "a client that authenticates itself in the form",
    "person": "a citizen, by a token of an issuer of people or by a session in the browser",
    "token": "any registered system, or a person who is signed in",
    "signed-in": "a person who is signed in",
}
_COLUMNS = (*ROLES, OFFICER)
_CALLS = "| `POST /services/{service}/v{major}/{operation}` | a system with a grant in force |" + " |" * len(_COLUMNS)


def page(routes: Iterable[Route]) -> str:
    """Return the page in Markdown.

    Args:
        routes: in the order in which they are listed.
    """
    columns = ["path", "who", *_COLUMNS]
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", _CALLS, *map(_line, routes)]
    return _HEAD + "\n".join(lines) + "\n"


def _line(route: Route) -> str:
    path = re.sub(r"\{kind:(\w+)\}", r"\1", route.path)
    path = re.sub(r"\{(\w+):[^}]+\}", r"{\1}", path)
    if route.right:
        callers, cells = "by role and document", [route.right.scope(role) for role in _COLUMNS]
    else:
        callers = "by role" if route.roles else _CALLERS[route.access]
        cells = ["yes" if role in route.roles else "" for role in _COLUMNS]
    return f"| `{route.method} {path}` | {callers} | {' | '.join(cells)} |"
