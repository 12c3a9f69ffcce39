"""`GET /me/access-log`: which agency read what about the citizen who asks, or received an event about them, when, why, and on what legal
basis.

The citizen sends a token of an issuer of people (docs/operate/other-issuers.md), or the cookie of a browser in which they have signed in;
the evidence is searched for the pseudonym of their number. No parameter names a person, so nobody can ask about somebody else. The read is itself written into the evidence, and
limited; later it is shown in a count of the citizen's own reads of that day, apart from what agencies asked.
"""

import datetime
import time
from typing import TYPE_CHECKING, Any

import orjson
import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts.entry import SALT_HEADER
from lgsp_contracts.summary import ContractSummary
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.api.access_log_limiter import READS_PER_HOUR, AccessLogLimiter
from lgsp_gateway.api.citizen_authentication import CitizenAuthenticator
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.evidence.search.models import OwnAccess, Page, Search
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import text_parameter, timestamp_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound, Text

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

SERVICE, OPERATION = "me", "access-log"
PAGE_SIZE = 50

CURSOR = text_parameter("cursor", "the cursor of the previous page", max_length=100)
AGENCY = text_parameter("agency", "only what this agency asked or was told")
SINCE = timestamp_parameter(
    "since", "only what happened at or after this time; in Vietnam's time zone where none is given"
)
UNTIL = timestamp_parameter("until", "only what happened before this time; in Vietnam's time zone where none is given")
ACCESS_LOG = Route(
    "GET",
    "/me/access-log",
    "readAccessLog",
    "Read who asked or was told about the citizen who asks, when, why, and on what legal basis",
    "person",
    {
        200: ResponseSpec(
            "A page of the calls and deliveries about the citizen; the first page also has the citizen's own reads, by day",
            json_of("AccessLog"),
        )
    },
    parameters=(CURSOR, AGENCY, SINCE, UNTIL),
    problems=("quota-exceeded", "index-unavailable"),
    tag="citizens",
)


class AccessLogRoutes:
    """The route for citizens.

    Args:
        index: None where this gateway has no search index.
    """

    def __init__(
        self,
        citizens: CitizenAuthenticator,
        pipeline: Pipeline,
        registry: RegistrySnapshot,
        index: "Index | None",
    ) -> None:
        self._citizens = citizens
        self._pipeline = pipeline
        self._registry = registry
        self._salts = Salts()
        self._index = index
        self._limiter = AccessLogLimiter(READS_PER_HOUR)

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, ACCESS_LOG, self._read_access_log)

    async def _read_access_log(self, request: web.Request) -> web.Response:
        pipeline, message = self._pipeline, str(uuid_utils.uuid7())
        pseudonym = await self._citizens.pseudonym(request)
        if self._index is None:
            raise index_unavailable()
        cursor, language = CURSOR.read_from(request), accepted_language(request)
        self._limiter.spend(pseudonym)
        search = _search_for(
            pseudonym, AGENCY.read_from(request), SINCE.read_from(request), UNTIL.read_from(request), cursor
        )
        page = await self._index.search(search)
        filtered = bool(cursor) or len(search.exact) > 1 or search.since is not None or search.until is not None
        body = self._encoded(page, [] if filtered else await self._index.own_accesses(pseudonym), language)
        salt = self._salts.take()
        await pipeline.evidence.write(self._evidence_entry(message, pseudonym, salt, body))
        headers = {"Cache-Control": "no-store", "Lgsp-Message-Id": message, hdrs.CONTENT_LANGUAGE: "vi"}
        if language != "vi":
            headers[hdrs.CONTENT_LANGUAGE] = f"vi, {language}"
        headers[SALT_HEADER] = salt.hex()
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def entry(self, pseudonym: str, message: str, agency: str) -> dict[str, Any]:
        """Return an entry about a citizen as their log has it, in Vietnamese.

        Args:
            message: the id of the message that was the read.
            agency: that read.

        Raises:
            Refusal: `index-unavailable`; `not-found`, where the citizen's log has no such entry.
        """
        if self._index is None:
            raise index_unavailable()
        exact = {"subject": pseudonym, "message": message, "agency": agency}
        page = await self._index.search(Search(exact, {}, limit=1, of_systems=True))
        if not page.items:
            raise NotFound(
                vi="Nhật ký của bạn không có lần truy cập này của cơ quan này; hãy chọn lại trong nhật ký.",
                en="Your log has no such read by this agency; choose one from the log.",
            )
        return self._item(page.items[0], "vi")

    def _encoded(self, page: Page, own: list[OwnAccess], language: Language) -> bytes:
        items = [self._item(entry, language) for entry in page.items]
        return orjson.dumps({"items": items, "cursor": page.cursor, "own": [_own_reads(day) for day in own]})

    def _item(self, entry: dict[str, Any], language: Language) -> dict[str, Any]:
        registry = self._registry
        moment = datetime.datetime.fromtimestamp(entry["time"] / 1000, VIETNAM)
        agency, grant = registry.agencies.get(entry["agency"]), registry.grants.get(entry["grant"])
        system = registry.consumer(entry["consumer"])
        contract = registry.summary(entry["service"], int(entry["version"].split(".")[0] or 0))
        service, part = _service_title(entry, contract), _part_title(entry, contract)
        received = 200 <= entry["status"] < 300
        item = {
            "message": entry["message"],
            "time": moment.isoformat(timespec="milliseconds"),
            "agency": entry["agency"],
            "agencyTitle": agency.in_language(language) if agency else entry["agency"],
            "system": entry["consumer"],
            "systemTitle": system.title.in_language(language) if system else entry["consumer"],
            "service": entry["service"],
            "serviceTitle": service.in_language(language),
            "operation": entry["operation"],
            "operationTitle": part.in_language(language),
            "event": entry["event"],
            "purpose": entry["purpose"],
            "purposeTitle": registry.purpose_title(entry["purpose"]).in_language(language),
            "legalBasis": grant.legal_basis if grant else "",
            "reference": entry["reference"],
            "outcome": entry["outcome"],
            "received": received,
        }
        time_text = f"{moment:%H:%M:%S} ngày {moment:%d/%m/%Y}"
        caller = self._caller(entry)
        verb = "được thông báo sự kiện" if entry["event"] else "hỏi"
        purpose = f"mục đích {registry.purpose_title(entry['purpose']).vi or 'không nêu'}"
        purpose += f", hồ sơ {entry['reference']}" if entry["reference"] else ""
        basis = f"căn cứ {item['legalBasis'] or 'theo quyền khai thác ' + entry['grant']}"
        outcome = "đã nhận được kết quả" if received else "không nhận được kết quả"
        if entry["event"]:
            outcome = "đã nhận được" if received else "chưa nhận được"
        text = f"{time_text}: {caller} {verb} {service.vi}, {part.vi}; {purpose}; {basis}; {outcome}."
        return {**item, "text": text}

    def _caller(self, entry: dict[str, Any]) -> str:
        """Say who asked: a system of an agency, or an officer of it. Which officer is for the agency and the auditors to find."""
        agency, system = self._registry.agencies.get(entry["agency"]), self._registry.consumer(entry["consumer"])
        title = agency.vi if agency else entry["agency"]
        if entry["by"] and entry["kind"] == "call":
            return f"Cán bộ của {title} (bằng biểu mẫu)"
        return f"{title} ({system.title.vi if system else entry['consumer']})"

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


def _search_for(pseudonym: str, agency: str, since: int | None, until: int | None, cursor: str) -> Search:
    exact = {"subject": pseudonym, **({"agency": agency} if agency else {})}
    return Search(exact, {}, since=since, until=until, limit=PAGE_SIZE, cursor=cursor, of_systems=True)


def _service_title(entry: dict[str, Any], contract: ContractSummary | None) -> Text:
    return contract.title if contract else Text(entry["service"], entry["service"])


def _part_title(entry: dict[str, Any], contract: ContractSummary | None) -> Text:
    """Return what people call the operation that a system asked for, or the event that it was sent."""
    name = entry["event"] or entry["operation"]
    parts = contract.events if contract and entry["event"] else contract.operations if contract else {}
    part = parts.get(name)
    return part.title if part else Text(name, name)


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
