"""`/me/forms`: what officers may ask by forms, and the asking. For agencies that have no system of their own.

A form is an operation of a service that a grant opens to officers of the agency. To send one is a call by the form system of the
agency: the same pipeline carries it, with each of its checks, and the evidence names the officer beside the system. Only the
officer is found otherwise: by the session of who has signed in.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import uuid_utils
from aiohttp import web

from lgsp_auth.policy import Grant, unknown_service
from lgsp_auth.roles import OFFICER
from lgsp_contracts import dossiers
from lgsp_contracts.contract import Operation
from lgsp_contracts.entry import SALT_HEADER
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api.catalogue_access import MAJOR, SERVICE
from lgsp_gateway.api.schemas import JSON, json_of
from lgsp_gateway.calls.identification import calling_officer
from lgsp_gateway.calls.model import CallHead, CallRequest, CallResult, CallTarget, Credentials
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.http import problems
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response, list_response
from lgsp_gateway.http.large_bodies import LargeBodies
from lgsp_gateway.http.lifecycle_headers import announcement_headers
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.officer_forms import FormUser, OpenForm, form_user, open_forms
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Refusal, Text

OPERATION = text_parameter(
    "operation", "the operation of the service", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path"
)
PURPOSE = text_parameter(
    "Lgsp-Purpose", "the purpose, one of those of the grant", max_length=MAX_NAME, location="header"
)
REFERENCE = text_parameter(
    dossiers.HEADER, "the number of the dossier that it is for; some grants require it", location="header"
)
KEY = text_parameter(
    "Idempotency-Key", "the same for each attempt at one form, so that it is done once", location="header"
)
_PATH = "/me/forms/{service}/v{major:[0-9]+}/{operation}"
_ANSWER_HEADERS = ("Lgsp-Message-Id", SALT_HEADER, "RateLimit", "RateLimit-Policy", "Lgsp-Suspension")

LIST = Route(
    "GET",
    "/me/forms",
    "listForms",
    "List the forms that are open to the calling officer, with their purposes and legal bases",
    "token",
    {200: ResponseSpec("The forms", json_of("FormList"))},
    roles=(OFFICER,),
    tag="forms",
)
DESCRIBE = Route(
    "GET",
    _PATH,
    "describeForm",
    "Read a form: the schemas of what is asked and of the answer",
    "token",
    {200: ResponseSpec("The form", json_of("FormDescription"))},
    roles=(OFFICER,),
    parameters=(SERVICE, MAJOR, OPERATION),
    problems=("not-granted", "unknown-service"),
    tag="forms",
)
SEND = Route(
    "POST",
    _PATH,
    "sendForm",
    "Send a form: call the operation as an officer, for a purpose and a dossier",
    "token",
    {200: ResponseSpec("The answer, as the contract describes it", {JSON: {}}, _ANSWER_HEADERS)},
    roles=(OFFICER,),
    parameters=(SERVICE, MAJOR, OPERATION, PURPOSE, REFERENCE, KEY),
    body={JSON: {}},
    problems=(
        *("unknown-service", "not-granted", "purpose-not-granted", "reference-invalid", "grant-suspended"),
        *("contract-violation", "idempotency-key-required", "idempotency-conflict", "quota-exceeded", "no-adapter"),
        *("service-suspended", "provider-timeout", "provider-failed", "provider-broke-contract", "outcome-unknown"),
    ),
    tag="forms",
)


class FormRoutes:
    """The routes for officers.

    Args:
        people: what officers are called.
        begins_trace: returns whether to record a trace that begins here, by its id (32 hex digits).
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        registry: RegistrySnapshot,
        pipeline: Pipeline,
        people: PeopleStore,
        begins_trace: Callable[[str], bool],
    ) -> None:
        self._callers = callers
        self._registry = registry
        self._pipeline = pipeline
        self._people = people
        self._begins_trace = begins_trace
        self._salts = Salts()
        self._large_bodies = LargeBodies()

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, DESCRIBE, self._describe)
        add_route(app, SEND, self._send)

    async def _list(self, request: web.Request) -> web.Response:
        user = await self._user(request)
        forms = map(self._form, open_forms(user, self._registry, time.time()))
        return await list_response(form for form in forms if form)

    async def _describe(self, request: web.Request) -> web.Response:
        user = await self._user(request)
        service, major, name = SERVICE.read_from(request), MAJOR.read_from(request), OPERATION.read_from(request)
        asked = (service, major, name)
        opened = next((one for one in open_forms(user, self._registry, time.time()) if one[:3] == asked), None)
        contract = self._registry.contract(service, major) if opened else None
        operation = contract.operations.get(name) if contract else None
        form = self._form(opened) if opened and operation else None
        if form is None or operation is None:
            raise unknown_service(service, major)
        return json_response({**form, **_schemas(operation), "officer": await self._officer(user)})

    async def _send(self, request: web.Request) -> web.Response:
        user = await self._user(request)
        message, salt = str(uuid_utils.uuid7()), self._salts.take()
        target = CallTarget(
            SERVICE.read_from(request),
            MAJOR.read_from(request),
            OPERATION.read_from(request),
            PURPOSE.read_from(request),
        )
        credentials = Credentials(None, "", request.method, request.path, request.remote or "")
        head = CallHead(
            target, credentials, "", KEY.read_from(request), "", reference=request.headers.get(dossiers.HEADER, "")
        )
        caller = calling_officer(user.officer, user.form_system)
        try:
            async with self._large_bodies.place() as place:
                body = partial(place.read_json, request)
                call = CallRequest(message, self._traceparent(message), salt, head, body)
                return _answer(call, await self._pipeline.call(call, caller))
        except Exception as error:
            refusal = problems.refusal_of(error, message)
        response = problems.problem_response(refusal, request, message)
        response.headers[SALT_HEADER] = salt.hex()
        return response

    def _traceparent(self, message: str) -> str:
        trace = message.replace("-", "")
        return f"00-{trace}-{trace[16:]}-{'01' if self._begins_trace(trace) else '00'}"

    async def _officer(self, user: FormUser) -> dict[str, Any]:
        """Return who is asking, as it stands at the head of a printed answer."""
        profile = await self._people.profile(user.officer.person)
        agency = user.form_system.agency
        title = self._registry.agencies.get(agency, Text(agency, agency))
        return {
            "person": user.officer.person,
            "formSystem": user.form_system.name,
            "name": profile.name if profile else "",
            "agency": agency,
            "agencyTitle": _text(title),
        }

    async def _user(self, request: web.Request) -> FormUser:
        user = form_user(await self._callers.identify(request), self._registry)
        if user is None:
            raise Refusal(
                "not-granted",
                vi="Cơ quan của bạn không còn được đăng ký trên trục; hãy liên hệ người vận hành trục.",
                en="Your agency is no longer registered on the bus; ask an operator of the bus.",
            )
        return user

    def _form(self, opened: OpenForm) -> dict[str, Any] | None:
        """Return what a list shows of a form; None where its service answers no calls now."""
        contract = self._registry.summary(opened.service, opened.major)
        operation = contract.operations.get(opened.operation) if contract else None
        if contract is None or operation is None:
            return None
        provider = self._registry.systems.get(contract.provider)
        agency = provider.agency if provider else ""
        return {
            "service": opened.service,
            "major": opened.major,
            "operation": opened.operation,
            "title": _text(operation.title),
            "serviceTitle": _text(contract.title),
            "provider": {"agency": agency, "title": _text(self._registry.agencies.get(agency, Text(agency, agency)))},
            "classification": operation.classification,
            "grants": [_grant(grant) for grant in opened.grants],
        }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "name": grant.name,
        "purposes": sorted(grant.purposes),
        "legalBasis": grant.legal_basis,
        "referenceRequired": grant.reference_required,
        "validUntil": iso_time(grant.valid_until),
    }


def _schemas(operation: Operation) -> dict[str, Any]:
    described = {"description": _text(operation.description)} if operation.description else {}
    errors = {code: _text(error.title) for code, error in operation.errors.items()}
    return {
        **described,
        "request": operation.request.document,
        "response": operation.response.document,
        "errors": errors,
        "changes": not operation.idempotent,
        "hasFiles": operation.request.has_files or operation.response.has_files,
    }


def _text(text: Text) -> dict[str, str]:
    return {"vi": text.vi, "en": text.en}


def _answer(call: CallRequest, result: CallResult) -> web.Response:
    limit, policy = result.quota
    headers = {
        "Cache-Control": "no-store",
        "Lgsp-Message-Id": call.message,
        SALT_HEADER: call.salt.hex(),
        "RateLimit": limit,
        "RateLimit-Policy": policy,
        "traceparent": call.traceparent,
        **announcement_headers(result.announced),
    }
    return web.Response(body=result.document, content_type=JSON, headers=headers)
