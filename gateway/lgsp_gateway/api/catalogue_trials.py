"""`/catalog/services/…`, for people who get to know a service: its versions, programs that call it, and an operation to try.

A trial reaches no provider. The request is held against the contract as a call's would be, the answer is made from the schema
(`lgsp_contracts.sample_answers`), and a grant that the caller may read hides the same fields as it would in a call. Where a person asks
for it, a sandbox answers instead: by the whole way of a call, under a grant of a system of the person's agency (docs/decisions/066).
"""

from typing import Any

import orjson
import uuid_utils
from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_contracts.names import MAX_NAME, NAME_PATTERN, DocumentName, SystemName
from lgsp_contracts.projection import Projection
from lgsp_contracts.tooling.pages import examples
from lgsp_gateway.api.catalogue_access import MAJOR, SERVICE, CatalogueAccess
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.identification import trying_system
from lgsp_gateway.calls.model import CallHead, CallRequest, CallTarget, Credentials
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.delivery.decisions import receiver
from lgsp_gateway.http import json_responses, request_body
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.parameter_types import boolean_parameter, text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.document_reader import DocumentReader
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_problems import NoAdapter, NotFound, Refusal

_BASE = "/catalog/services/{service}/v{major:[0-9]+}"
OPERATION = text_parameter(
    "operation", "the name of an operation", max_length=MAX_NAME, pattern=NAME_PATTERN, location="path"
)
GRANT = text_parameter(
    "grant", "a grant on the operation, whose hidden fields are left out of the answer", max_length=253
)
SANDBOX = boolean_parameter(
    "sandbox",
    "whether adapters before a sandbox are asked, as a call by the consumer of `grant`, which its agency's people may try; recorded as a trial",
)
PURPOSE = text_parameter(
    "Lgsp-Purpose",
    "the purpose of a trial at a sandbox; the first one of the grant where none is named",
    max_length=MAX_NAME,
    location="header",
)
LARGEST_REQUEST = 256 * 1024
"""Bytes: a trial is typed by a person."""
TRIAL_REFERENCE = "THU-NGHIEM"
"""The number of the dossier of a trial, where its grant requires one."""

VERSIONS = Route(
    "GET",
    f"{_BASE}/versions",
    "listContractVersions",
    "List the versions that the contract of a service has had, newest first",
    "token",
    {200: ResponseSpec("The versions", json_of("ContractVersions"))},
    parameters=(SERVICE, MAJOR),
    problems=("unknown-service",),
    tag="catalogue",
)
PROGRAMS = Route(
    "GET",
    f"{_BASE}/operations/{{operation}}/programs",
    "listPrograms",
    "List programs that call an operation, one in each of six languages",
    "optional",
    {200: ResponseSpec("The programs", json_of("Programs"))},
    parameters=(SERVICE, MAJOR, OPERATION),
    problems=("unknown-service", "not-found"),
    tag="catalogue",
)
TRY = Route(
    "POST",
    f"{_BASE}/operations/{{operation}}/try",
    "tryOperation",
    "Try an operation: the request is checked as a call's is, and a sandbox answers, or the contract; no provider is asked",
    "token",
    {200: ResponseSpec("The answer", json_of("Trial"))},
    parameters=(SERVICE, MAJOR, OPERATION, GRANT, SANDBOX, PURPOSE),
    body={"application/json": {}},
    problems=(
        *("unknown-service", "not-found", "not-granted", "contract-violation", "secret-document", "too-large"),
        *("no-adapter", "provider-failed", "provider-timeout", "provider-broke-contract", "quota-exceeded"),
        "file-not-allowed",
    ),
    tag="catalogue",
)


class CatalogueTrialRoutes:
    """The routes for people who get to know a service.

    Args:
        store: has the versions that a service has had.
        url: the address under which callers reach the bus.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        access: CatalogueAccess,
        registry: RegistrySnapshot,
        reader: DocumentReader,
        store: DocumentStore,
        pipeline: Pipeline,
        url: str,
    ) -> None:
        self._callers = callers
        self._access = access
        self._registry = registry
        self._reader = reader
        self._store = store
        self._pipeline = pipeline
        self._salts = Salts()
        self._url = url

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, VERSIONS, self._list_versions)
        add_route(app, PROGRAMS, self._list_programs)
        add_route(app, TRY, self._try)

    async def _list_versions(self, request: web.Request) -> web.Response:
        await self._access.service_of_path(request)
        name = service_name(SERVICE.read_from(request), MAJOR.read_from(request))
        items: list[dict[str, object]] = []
        for document in await self._store.history("Service", name):
            contract = (document.spec or {}).get("contract")
            if contract and not (items and items[-1]["version"] == contract["version"]):
                items.append({"version": contract["version"], "contract": contract})
            if contract:
                items[-1]["since"] = document.document()["metadata"]["updatedAt"]
        return await json_responses.list_response(items)

    async def _list_programs(self, request: web.Request) -> web.Response:
        await self._access.service_of_path(request)
        contract, name = self._access.contract_of_path(request), OPERATION.read_from(request)
        operation = contract.operations.get(name)
        if operation is None:
            raise _no_operation(name)
        url = f"{self._url}/services/{contract.service}/v{contract.major}/{name}"
        programs = examples.examples(operation, url)
        return await json_responses.list_response(
            {"language": one.language, "title": one.title, "program": one.text} for one in programs
        )

    async def _try(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        document = await self._access.service_of_path(request)
        name = OPERATION.read_from(request)
        if name not in (document.spec or {})["contract"].get("operations", {}):
            raise _no_operation(name)
        fields = self._visible_fields(caller, request, name)
        body = await request_body.read_json(request, LARGEST_REQUEST)
        if SANDBOX.read_from(request):
            answer = await self._ask_sandbox(caller, request, name, body)
            return json_response_of(answer, answer, "sandbox")
        answer = orjson.loads(
            await self._access.describe_in_worker(
                request, "trial", document, {"operation": name, "request": body.decode(errors="replace")}
            )
        )
        visible = Projection(fields).apply(answer)
        return json_response_of(answer, visible, "contract")

    async def _ask_sandbox(self, caller: Principal, request: web.Request, operation: str, body: bytes) -> Any:
        """Return what a sandbox answers to a call by the consumer of the named grant, which the evidence marks as a trial.

        Raises:
            Refusal: `not-granted`, for whoever does not look after that consumer; `no-adapter`, where no sandbox is there; what refuses calls.
        """
        grant = self._registry.grants.get(GRANT.read_from(request))
        consumer = self._registry.systems.get(grant.consumer) if grant else None
        if grant is None or consumer is None or not caller.person:
            raise _no_grant_named()
        if not receiver(self._registry, SystemName(consumer.name)).includes(caller):
            raise _not_of_the_consumer(consumer.name)
        message = str(uuid_utils.uuid7())
        purpose = PURPOSE.read_from(request) or min(grant.purposes, default="")
        target = CallTarget(SERVICE.read_from(request), MAJOR.read_from(request), operation, purpose)
        credentials = Credentials(None, "", request.method, request.path, request.remote or "")
        head = CallHead(
            *(target, credentials, "", message, ""),
            reference=TRIAL_REFERENCE,
            trial_by=caller.person,
            trial_through=caller.system,
        )
        trace = message.replace("-", "")
        call = CallRequest(message, f"00-{trace}-{trace[16:]}-00", self._salts.take(), head, body)
        try:
            return orjson.loads((await self._pipeline.call(call, trying_system(consumer))).document)
        except NoAdapter as error:
            raise NoAdapter(
                vi="Dịch vụ này chưa có hệ thống thử nghiệm (sandbox) nào trên trục; hãy thử không dùng sandbox, hoặc đề nghị bên cung cấp mở một hệ thống thử nghiệm.",
                en="No sandbox of this service is on the bus; try without one, or ask the provider to offer one.",
            ) from error

    def _visible_fields(self, caller: Principal, request: web.Request, operation: str) -> tuple[str, ...]:
        """Return the fields of the answer that the grant named in a request shows; all where it names none.

        Raises:
            Refusal: `not-found`, also for a grant on another service or operation.
        """
        name = GRANT.read_from(request)
        if not name:
            return ("*",)
        spec = self._reader.find(caller, "Grant", DocumentName(name)).spec or {}
        allowed = spec.get("operations", {}).get(operation)
        if allowed is None or (spec["service"], spec["major"]) != (
            SERVICE.read_from(request),
            MAJOR.read_from(request),
        ):
            raise NotFound(
                vi=f"Quyền khai thác {name} không mở thao tác {operation} của dịch vụ này; hãy chọn quyền khác.",
                en=f"The grant {name} does not allow the operation {operation} of this service; choose another one.",
            )
        return tuple(allowed["fields"])


def json_response_of(answer: Any, visible: Any, source: str) -> web.Response:
    """Return the response to a trial (`Trial` of the API's description)."""
    return json_responses.json_response({"answer": answer, "visible": visible, "source": source})


def _no_grant_named() -> Refusal:
    return Refusal(
        "not-granted",
        vi="Để thử với sandbox, bạn phải đăng nhập và nêu grant: quyền khai thác mà hệ thống của cơ quan bạn có trên thao tác này.",
        en="To try with a sandbox, sign in and name the `grant` that a system of your agency has on this operation.",
    )


def _not_of_the_consumer(system: str) -> Refusal:
    return Refusal(
        "not-granted",
        vi=f"Chỉ quản trị viên và nhà phát triển của cơ quan có hệ thống {system} thử được bằng quyền của nó; hãy chọn quyền của cơ quan mình.",
        en=f"Only administrators and developers of the agency of the system {system} try with its grant; choose a grant of your own agency.",
    )


def _no_operation(name: str) -> NotFound:
    return NotFound(
        vi=f"Dịch vụ này không có thao tác {name}; hãy xem danh sách thao tác trong hợp đồng.",
        en=f"This service has no operation {name}; see the operations in its contract.",
    )
