"""Declarations of the registry's routes: the same for each kind of document, but for its filters and schemas."""

import re
from collections.abc import Iterator

from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http.parameter_types import (
    boolean_parameter,
    choice_parameter,
    cursor_parameter,
    integer_parameter,
    text_parameter,
)
from lgsp_gateway.http.parameters import Parameter
from lgsp_gateway.http.route_access import list_right, read_right, step_right, write_right
from lgsp_gateway.http.routes import ResponseSpec, Route
from lgsp_gateway.registry.documents import PLURALS
from lgsp_gateway.registry.lifecycle.grants import ACTIONS, PHASES
from lgsp_problems import Text

DEFAULT_PAGE = 100
"""Documents in a page of a list."""
MAX_PAGE = 1000
MAX_REASON = 500

_AGENCY = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"
MANIFEST_SET_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$"
_ETAG = re.compile(r'(W/)?"?([0-9]{1,19})"?')
_NO_REVISION = -1
"""Matches no document: the revision for an ETag in another form than the gateway's."""


def _parse_etag(sent: str) -> int:
    match = _ETAG.fullmatch(sent)
    return int(match[2]) if match else _NO_REVISION


CURSOR = cursor_parameter("cursor", max_length=100, pattern="[A-Za-z0-9.-]{1,63}")
LIMIT = integer_parameter("limit", "the largest number of items in the page", 1, MAX_PAGE, DEFAULT_PAGE)
REASON = text_parameter("reason", "the reason of the change, which the history shows", max_length=MAX_REASON)
DRY_RUN = boolean_parameter("dryRun", "whether to check the change without making it")
MANIFEST_SET = text_parameter(
    "manifestSet", "the set of files that the document comes from", max_length=MAX_NAME, pattern=MANIFEST_SET_PATTERN
)
END_TOKENS = boolean_parameter("endTokens", "whether to end the tokens that were issued to the system until now")
EXPIRING = integer_parameter(
    "expiringWithin", "only grants in force that end within this number of days", 0, 9999, None
)
IF_MATCH = Parameter(
    *("If-Match", "header", "the ETag of the version to change", {"type": "string", "maxLength": 100}),
    Text("ETag của bản đang sửa", "the ETag of the version to change"),
    _parse_etag,
    None,
)
IF_NONE_MATCH = text_parameter(
    "If-None-Match", "`*`: create the document, and fail if it exists", max_length=100, location="header"
)
ACTION = choice_parameter("action", "the step", ACTIONS, "", location="path")

_SYSTEM = "^([a-z][a-z0-9]*(-[a-z0-9]+)*|[A-Za-z0-9-]+(/[A-Za-z0-9._-]+){3})$"
"""The short or the full name of a system."""

_FILTERS = {
    "Instance": (),
    "Agency": (),
    "Purpose": (),
    "Person": (text_parameter("agency", "only those of an agency", max_length=MAX_NAME, pattern=_AGENCY),),
    "System": (text_parameter("agency", "only those of an agency", max_length=MAX_NAME, pattern=_AGENCY),),
    "Service": (
        text_parameter("service", "only versions of a service", max_length=MAX_NAME, pattern=NAME_PATTERN),
        text_parameter("provider", "only services of a system", max_length=MAX_NAME, pattern=NAME_PATTERN),
    ),
    "Grant": (
        text_parameter(
            "consumer", "only grants of a system, by its name or full name", max_length=255, pattern=_SYSTEM
        ),
        text_parameter("service", "only grants on a service", max_length=MAX_NAME, pattern=NAME_PATTERN),
        choice_parameter("phase", "only grants in this phase of their life", PHASES, ""),
        EXPIRING,
    ),
}

_WRITE_PROBLEMS = (
    "invalid-document",
    "already-exists",
    "contract-ambiguous",
    "contract-incompatible",
    "step-not-allowed",
    "not-found",
)


def filter_parameters(kind: str) -> tuple[Parameter[str], ...]:
    """Return the query parameters that filter a list of documents of a kind, each by a member of their spec."""
    return tuple(one for one in _FILTERS[kind] if one is not EXPIRING)  # type: ignore[misc]


class KindRoutes:
    """The declarations of the routes for one kind of document.

    Args:
        plural: the kind as paths name it, such as `grants`.
    """

    def __init__(self, plural: str) -> None:
        kind = PLURALS[plural]
        capitalized_plural = plural[0].upper() + plural[1:]
        list_path, path = f"/registry/{{kind:{plural}}}", f"/registry/{{kind:{plural}}}/{{name}}"
        name = text_parameter(
            *("name", f"the name of the {kind.lower()}"),
            max_length=MAX_NAME,
            pattern=_AGENCY if kind == "Agency" else NAME_PATTERN,
            location="path",
        )
        document = ResponseSpec(f"The {kind.lower()}", json_of(kind), ("ETag",))
        body = json_of(kind)
        write_parameters, replace_problems = (REASON, DRY_RUN, MANIFEST_SET), ("revision-conflict", *_WRITE_PROBLEMS)
        self.list = Route(
            *("GET", list_path, f"list{capitalized_plural}", f"List the {plural} that the caller may read", "token"),
            {200: ResponseSpec(f"A page of {plural}", json_of(f"{kind}List"))},
            parameters=(*_FILTERS[kind], LIMIT, CURSOR),
            right=list_right(kind),
            tag="registry",
        )
        self.create = Route(
            *("POST", list_path, f"create{kind}", f"Create a {kind.lower()}", "token"),
            {201: ResponseSpec(f"The {kind.lower()}", json_of(kind), ("ETag", "Location"))},
            parameters=write_parameters,
            body=body,
            problems=_WRITE_PROBLEMS,
            right=write_right(kind),
            tag="registry",
        )
        self.get = Route(
            *("GET", path, f"get{kind}", f"Read a {kind.lower()}", "token"),
            {200: document},
            parameters=(name,),
            problems=("not-found",),
            right=read_right(kind),
            tag="registry",
        )
        self.replace = Route(
            *("PUT", path, f"replace{kind}", f"Replace a {kind.lower()}, or create it", "token"),
            {200: document, 201: document},
            parameters=(name, IF_MATCH, IF_NONE_MATCH, *write_parameters, *((END_TOKENS,) if kind == "System" else ())),
            body=body,
            problems=("precondition-required", *replace_problems),
            right=write_right(kind),
            tag="registry",
        )
        self.delete = Route(
            *("DELETE", path, f"delete{kind}", f"Delete a {kind.lower()}", "token"),
            {204: ResponseSpec("The document is deleted; its history remains")},
            parameters=(name, IF_MATCH, REASON, MANIFEST_SET),
            problems=("precondition-required", "revision-conflict", "in-use", "not-found"),
            right=step_right(kind),
            tag="registry",
        )
        self.history = Route(
            *("GET", f"{path}/history", f"read{kind}History", f"Read every version of a {kind.lower()}", "token"),
            {200: ResponseSpec("The versions, newest first", json_of(f"{kind}History"))},
            parameters=(name,),
            problems=("not-found",),
            right=read_right(kind),
            tag="registry",
        )


def step_routes() -> Iterator[tuple[str, Route]]:
    """Yield the routes that change the state of a grant, a system or a service: `act`, `end-tokens`, `suspend`, `resume`."""
    name = text_parameter(
        "name", "the name of the document", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path"
    )
    actions = "|".join(ACTIONS)
    yield (
        "act",
        Route(
            *(
                "POST",
                f"/registry/grants/{{name}}/{{action:{actions}}}",
                "actOnGrant",
                "Move a grant to another state of its life cycle",
                "token",
            ),
            {200: ResponseSpec("The grant", json_of("Grant"), ("ETag",))},
            parameters=(name, ACTION, IF_MATCH),
            body=json_of("Step"),
            body_required=False,
            problems=("not-found", "step-not-allowed", "invalid-document", "revision-conflict"),
            right=step_right("Grant"),
            tag="registry",
        ),
    )
    yield (
        "end-tokens",
        Route(
            *(
                "POST",
                "/registry/systems/{name}/end-tokens",
                "endTokens",
                "End all tokens of a system that were issued until now",
                "token",
            ),
            {200: ResponseSpec("The system", json_of("System"), ("ETag",))},
            parameters=(name,),
            body=json_of("Step"),
            body_required=False,
            problems=("not-found",),
            right=step_right("System"),
            tag="registry",
        ),
    )
    for step, summary in (
        ("suspend", "Suspend a service, at once or from a date"),
        ("resume", "End the suspension of a service"),
    ):
        yield (
            step,
            Route(
                *("POST", f"/registry/services/{{name}}/{step}", f"{step}Service", summary, "token"),
                {200: ResponseSpec("The service", json_of("Service"), ("ETag",))},
                parameters=(name,),
                body=json_of("Step"),
                body_required=False,
                problems=("not-found", "step-not-allowed"),
                right=step_right("Service"),
                tag="registry",
            ),
        )
