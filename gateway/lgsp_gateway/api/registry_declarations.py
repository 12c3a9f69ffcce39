"""The routes of the registry as they are declared: the same for each kind of document, with what differs between kinds."""

import base64
import binascii
import re
from collections.abc import Iterator

from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http.parameter_types import boolean_parameter, choice_parameter, integer_parameter, text_parameter
from lgsp_gateway.http.parameters import InvalidParameterError, Parameter
from lgsp_gateway.http.route_access import list_right, read_right, step_right, write_right
from lgsp_gateway.http.routes import ResponseSpec, Route
from lgsp_gateway.registry.documents import PLURALS
from lgsp_gateway.registry.lifecycle.grants import ACTIONS
from lgsp_problems import Text

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
MAX_REASON = 500

_AGENCY = "^[A-Z][0-9]{2}(\\.[0-9]{1,3}){0,3}$"
_CURSOR = re.compile(r"[A-Za-z0-9.-]{1,63}")
_ETAG = re.compile(r'(W/)?"?([0-9]{1,19})"?')
_NEVER = -1
"""A revision that no document has: a tag that is none of ours matches nothing."""


def _read_cursor(sent: str) -> str:
    try:
        name = base64.b64decode(sent, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterError from error
    if not _CURSOR.fullmatch(name):
        raise InvalidParameterError
    return name


def _read_tag(sent: str) -> int:
    found = _ETAG.fullmatch(sent)
    return int(found[2]) if found else _NEVER


CURSOR = Parameter(
    *("cursor", "query", "the `next` of the page before", {"type": "string", "maxLength": 100}),
    Text("giá trị next của trang trước", "the `next` of the page before"),
    _read_cursor,
    "",
)
LIMIT = integer_parameter("limit", "how many", 1, LARGEST_PAGE, DEFAULT_PAGE)
REASON = text_parameter("reason", "why; it stands in the history", max_length=MAX_REASON)
DRY_RUN = boolean_parameter("dryRun", "whether to check and to write nothing")
END_TOKENS = boolean_parameter("endTokens", "whether to end the tokens that the system was given until now")
EXPIRING = integer_parameter("expiringWithin", "only grants in force that end within so many days", 0, 9999, None)
IF_MATCH = Parameter(
    *("If-Match", "header", "the ETag of the version that is changed", {"type": "string", "maxLength": 100}),
    Text("ETag của bản đang sửa", "the ETag of the version that is changed"),
    _read_tag,
    None,
)
IF_NONE_MATCH = text_parameter(
    "If-None-Match", "`*`: create, and change nothing that is there", max_length=100, location="header"
)
ACTION = choice_parameter("action", "the step", ACTIONS, "", location="path")

_SYSTEM = "^([a-z][a-z0-9]*(-[a-z0-9]+)*|[A-Za-z0-9-]+(/[A-Za-z0-9._-]+){3})$"
"""The name of a system, or its full name."""

_FILTERS = {
    "Instance": (),
    "Agency": (),
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
        EXPIRING,
    ),
}

_BY_PROVIDER = ("invalid-document", "already-exists", "contract-incompatible", "step-not-allowed", "not-found")


def filters(kind: str) -> tuple[Parameter[str], ...]:
    """The parameters by which documents of a kind are chosen, each a member of their spec."""
    return tuple(one for one in _FILTERS[kind] if one is not EXPIRING)  # type: ignore[misc]


def of(plural: str) -> "RoutesOf":
    """The routes of a kind."""
    return RoutesOf(plural)


class RoutesOf:
    """The routes of a kind, by what they do."""

    def __init__(self, plural: str) -> None:
        kind = PLURALS[plural]
        many = plural[0].upper() + plural[1:]
        all_, one = f"/registry/{{kind:{plural}}}", f"/registry/{{kind:{plural}}}/{{name}}"
        name = text_parameter(
            *("name", f"the name of the {kind.lower()}"),
            max_length=MAX_NAME,
            pattern=_AGENCY if kind == "Agency" else NAME_PATTERN,
            location="path",
        )
        document = ResponseSpec(f"The {kind.lower()}", json_of(kind), ("ETag",))
        body = json_of(kind)
        write, changes = (REASON, DRY_RUN), ("revision-conflict", *_BY_PROVIDER)
        self.list = Route(
            *("GET", all_, f"list{many}", f"List the {plural} that the caller may read", "token"),
            {200: ResponseSpec(f"A page of {plural}", json_of(f"{kind}List"))},
            parameters=(*_FILTERS[kind], LIMIT, CURSOR),
            right=list_right(kind),
            tag="registry",
        )
        self.create = Route(
            *("POST", all_, f"create{kind}", f"Create a {kind.lower()}", "token"),
            {201: ResponseSpec(f"The {kind.lower()}", json_of(kind), ("ETag", "Location"))},
            parameters=write,
            body=body,
            problems=_BY_PROVIDER,
            right=write_right(kind),
            tag="registry",
        )
        self.get = Route(
            *("GET", one, f"get{kind}", f"Read a {kind.lower()}", "token"),
            {200: document},
            parameters=(name,),
            problems=("not-found",),
            right=read_right(kind),
            tag="registry",
        )
        self.replace = Route(
            *("PUT", one, f"replace{kind}", f"Replace a {kind.lower()}, or create it", "token"),
            {200: document, 201: document},
            parameters=(name, IF_MATCH, IF_NONE_MATCH, *write, *((END_TOKENS,) if kind == "System" else ())),
            body=body,
            problems=("precondition-required", *changes),
            right=write_right(kind),
            tag="registry",
        )
        self.delete = Route(
            *("DELETE", one, f"delete{kind}", f"Delete a {kind.lower()}", "token"),
            {204: ResponseSpec("It is gone; its history stays")},
            parameters=(name, IF_MATCH, REASON),
            problems=("precondition-required", "revision-conflict", "in-use", "not-found"),
            right=step_right(kind),
            tag="registry",
        )
        self.history = Route(
            *("GET", f"{one}/history", f"read{kind}History", f"Read every version of a {kind.lower()}", "token"),
            {200: ResponseSpec("The versions, the newest first", json_of(f"{kind}History"))},
            parameters=(name,),
            problems=("not-found",),
            right=read_right(kind),
            tag="registry",
        )


def steps() -> Iterator[tuple[str, Route]]:
    """The routes by which a grant, a system or a service takes a step: `act`, `end-tokens`, `suspend`, `resume`."""
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
                "Take a step with a grant",
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
            *("POST", "/registry/systems/{name}/end-tokens", "endTokens", "End the tokens of a system", "token"),
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
        ("suspend", "Suspend a service: planned, or at once"),
        ("resume", "End a suspension of a service"),
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
