"""`GET /me/access-log`: which agency read what about the citizen who asks, when, why, and on what legal basis.

The citizen sends a token of an issuer of people (docs/operate/other-issuers.md); the evidence is searched for the pseudonym of the
number in it. No parameter names a person, so nobody can ask about somebody else. The read is itself written into the evidence, and
limited; later it is shown in a count of the citizen's own reads of that day, apart from what agencies asked.
"""

import datetime
import time
from typing import TYPE_CHECKING, Any

import orjson
import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts.entry import SALT_HEADER
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.api.access_log_limiter import AccessLogLimiter
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.evidence.search.models import OwnAccess, Page, Search
from lgsp_gateway.http.authentication import credentials_in
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SERVICE, OPERATION = "me", "access-log"
PAGE_SIZE = 50

CURSOR = text_parameter("cursor", "the cursor of the previous page", max_length=100)
ACCESS_LOG = Route(
    "GET",
    "/me/access-log",
    "readAccessLog",
    "Read who asked about the citizen whose token is sent, when, why, and on what legal basis",
    "person",
    {
        200: ResponseSpec(
            "A page of the calls about the citizen; the first page also has the citizen's own reads, by day",
            json_of("AccessLog"),
        )
    },
    parameters=(CURSOR,),
    problems=("quota-exceeded", "index-unavailable"),
    tag="citizens",
)


class AccessLogRoutes:
    """The route for citizens.

    Args:
        index: None where this gateway has no search index.
    """

    def __init__(self, pipeline: Pipeline, registry: RegistrySnapshot, index: "Index | None") -> None:
        self._pipeline = pipeline
        self._registry = registry
        self._salts = Salts()
        self._index = index
        self._limiter = AccessLogLimiter()

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, ACCESS_LOG, self._read_access_log)

    async def _read_access_log(self, request: web.Request) -> web.Response:
        pipeline, message = self._pipeline, str(uuid_utils.uuid7())
        citizen = await pipeline.identification.citizen(credentials_in(request), time.time())
        if self._index is None:
            raise index_unavailable()
        pseudonym, cursor = pipeline.pseudonyms.of(citizen.number), CURSOR.read_from(request)
        self._limiter.spend(pseudonym)
        search = Search({"subject": pseudonym}, {}, limit=PAGE_SIZE, cursor=cursor, of_systems=True)
        page = await self._index.search(search)
        body = self._encoded(page, [] if cursor else await self._index.own_accesses(pseudonym))
        salt = self._salts.take()
        await pipeline.evidence.write(self._evidence_entry(message, pseudonym, salt, body))
        headers = {"Cache-Control": "no-store", "Lgsp-Message-Id": message, hdrs.CONTENT_LANGUAGE: "vi"}
        headers[SALT_HEADER] = salt.hex()
        return web.Response(body=body, content_type="application/json", headers=headers)

    def _encoded(self, page: Page, own: list[OwnAccess]) -> bytes:
        items = [self._item(entry) for entry in page.items]
        return orjson.dumps({"items": items, "cursor": page.cursor, "own": [_own_reads(day) for day in own]})

    def _item(self, entry: dict[str, Any]) -> dict[str, Any]:
        registry = self._registry
        moment = datetime.datetime.fromtimestamp(entry["time"] / 1000, VIETNAM)
        item = {
            "message": entry["message"],
            "time": moment.isoformat(timespec="milliseconds"),
            "agency": entry["agency"],
            "system": entry["consumer"],
            "service": entry["service"],
            "operation": entry["operation"],
            "purpose": entry["purpose"],
            "legalBasis": "",
            "outcome": entry["outcome"],
        }
        time_text = f"{moment:%H:%M:%S} ngày {moment:%d/%m/%Y}"
        grant = registry.grants.get(entry["grant"])
        item["legalBasis"] = grant.legal_basis if grant else ""
        contract = registry.summary(entry["service"], int(entry["version"].split(".")[0] or 0))
        operation = contract.operations.get(entry["operation"]) if contract else None
        agency, system = registry.agencies.get(entry["agency"]), registry.systems.get(entry["consumer"])
        caller = f"{agency.vi if agency else entry['agency']} ({system.title.vi if system else entry['consumer']})"
        operation_text = f"{contract.title.vi if contract else entry['service']}, {operation.title.vi if operation else entry['operation']}"
        purpose = f"mục đích {entry['purpose'] or 'không nêu'}"
        basis = f"căn cứ {item['legalBasis'] or 'theo quyền khai thác ' + entry['grant']}"
        outcome = "đã nhận được kết quả" if entry["status"] == 200 else "không nhận được kết quả"
        return {**item, "text": f"{time_text}: {caller} hỏi {operation_text}; {purpose}; {basis}; {outcome}."}

    def _evidence_entry(self, message: str, pseudonym: str, salt: bytes, body: bytes) -> bytes:
        now = time.perf_counter(), int(time.time() * 1000)
        record = CallRecord(
            message,
            "",
            "",
            "",
            self._pipeline.gateway,
            *now,
            salt,
            service=SERVICE,
            version="1.0.0",
            operation=OPERATION,
        )
        record.subject = record.on_behalf_of = pseudonym
        record.set_request(b"")
        record.set_answer(body)
        return record.finish()


def _own_reads(day: OwnAccess) -> dict[str, Any]:
    first, last = (
        datetime.datetime.fromtimestamp(milliseconds / 1000, VIETNAM) for milliseconds in (day.first, day.last)
    )
    return {
        "date": f"{last:%Y-%m-%d}",
        "first": first.isoformat(timespec="milliseconds"),
        "last": last.isoformat(timespec="milliseconds"),
        "looks": day.looks,
        "text": f"Ngày {last:%d/%m/%Y}: chính bạn đã xem nhật ký này {day.looks} lần, lần cuối lúc {last:%H:%M:%S}.",
    }
