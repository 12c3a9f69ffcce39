"""`/catalog` as HTML pages in Vietnamese and English, for people who look for a service with a browser."""

import datetime
import time

from aiohttp import web

from lgsp_contracts.names import DocumentName
from lgsp_contracts.summary import searched_words
from lgsp_contracts.time_zone import VIETNAM
from lgsp_contracts.tooling.pages import page
from lgsp_contracts.tooling.pages.access import ServiceAccess
from lgsp_gateway.api.catalogue_access import MAJOR, SERVICE, CatalogueAccess, is_large
from lgsp_gateway.api.html_pages import HTML, LANGUAGE, html_response, language_of
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.documents import service_name
from lgsp_gateway.registry.lifecycle.announcements import Announcement
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text
from lgsp_runtime.pacing import Pace

MAX_QUERY = 100
"""Characters of a search that are used; the rest is ignored."""
CONTRACTS_PER_TURN = 20
"""Contracts that are parsed before the event loop serves other requests."""

QUERY = text_parameter("q", "words that a service must contain to be shown")

CATALOGUE_PAGE = Route(
    "GET",
    "/catalog",
    "showCatalogue",
    "Show the catalogue of services as an HTML page",
    "optional",
    {200: ResponseSpec("The page", HTML)},
    parameters=(QUERY, LANGUAGE),
    tag="catalogue",
)
TOKENS_PAGE = Route(
    "GET",
    "/catalog/tokens",
    "showTokenPrograms",
    "Show programs that get an access token, as an HTML page",
    "public",
    {200: ResponseSpec("The page", HTML)},
    parameters=(LANGUAGE,),
    tag="catalogue",
)
SERVICE_PAGE = Route(
    "GET",
    "/catalog/services/{service}/v{major:[0-9]+}",
    "showService",
    "Show a service as an HTML page",
    "optional",
    {200: ResponseSpec("The page", HTML)},
    parameters=(SERVICE, MAJOR, LANGUAGE),
    problems=("unknown-service",),
    tag="catalogue",
)


class CataloguePages:
    """The routes of the catalogue for people.

    Args:
        url: the address under which callers reach the bus.
    """

    def __init__(self, registry: RegistrySnapshot, access: CatalogueAccess, url: str) -> None:
        self._registry = registry
        self._access = access
        self._url = url

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CATALOGUE_PAGE, self._show_catalogue)
        add_route(app, TOKENS_PAGE, self._show_tokens)
        add_route(app, SERVICE_PAGE, self._show_service)

    async def _show_catalogue(self, request: web.Request) -> web.Response:
        system, now = await self._access.calling_system(request), time.time()
        query = QUERY.read_from(request)[:MAX_QUERY]
        words = [word.encode() for word in searched_words(query)]
        count, listed, pace = 0, [], Pace(CONTRACTS_PER_TURN)
        async for service, major in self._access.visible_services(system, now):
            if self._registry.services.holds(service_name(service, major), words):
                count += 1
                if count <= page.MAX_LISTED:
                    listed.append((service, major))
        contracts = []
        for service, major in listed:
            await pace.spend()
            contract = self._registry.summary(service, major)
            if contract:
                contracts.append(contract)
        return await html_response(page.catalogue(contracts, count, query, language_of(request)))

    async def _show_service(self, request: web.Request) -> web.Response:
        document, language = await self._access.service_of_path(request), language_of(request)
        service, major = SERVICE.read_from(request), MAJOR.read_from(request)
        notices = _notices(self._registry.announced(service, major, time.time()))
        access = self._provider_of(service, major)
        if is_large(document):
            texts = [[notice.vi, notice.en] for notice in notices]
            options = {"url": self._url, "language": language, "notices": texts, "access": access and access.as_json()}
            return await html_response(
                [(await self._access.describe_in_worker(request, "page", document, options)).decode()]
            )
        contract = self._access.contract_of_path(request)
        pieces = page.service_in_pieces(contract, self._url, language, inside=True, notices=notices, access=access)
        return await html_response(pieces)

    async def _show_tokens(self, request: web.Request) -> web.Response:
        return await html_response(page.tokens(self._url, language_of(request)))

    def _provider_of(self, service: str, major: int) -> ServiceAccess | None:
        """Return whom a developer asks for a grant: the contact of the provider's system, or else of its agency."""
        summary = self._registry.summary(service, major)
        system = self._registry.systems.get(summary.provider) if summary else None
        if system is None:
            return None
        today = datetime.datetime.now(VIETNAM).date()
        return ServiceAccess(
            system.agency,
            self._registry.agencies.get(system.agency, Text(system.agency, system.agency)),
            valid_from=today.isoformat(),
            valid_until=(today + datetime.timedelta(days=365)).isoformat(),
            contact=self._contact("System", system.name) or self._contact("Agency", system.agency),
        )

    def _contact(self, kind: str, name: str) -> dict[str, str]:
        version = self._registry.versions[kind].get(DocumentName(name))
        contact: dict[str, str] = ((version.spec if version else None) or {}).get("contact", {})
        return contact


def _notices(announced: Announcement | None) -> list[Text]:
    notices = []
    if announced and announced.sunset:
        day = datetime.datetime.fromtimestamp(announced.sunset - 1, VIETNAM).date().isoformat()
        notices.append(
            Text(
                f"Phiên bản này sẽ ngừng phục vụ sau ngày {day}; hãy chuyển sang phiên bản mới hơn.",
                f"This version is served until {day}; move to a newer one.",
            )
        )
    if announced and announced.suspension:
        begin, _, end = announced.suspension.notice().partition("/")
        vi, en = (end, end) if announced.suspension.until else ("khi có thông báo", "further notice")
        notices.append(Text(f"Tạm ngừng phục vụ từ {begin} đến {vi}.", f"Suspended from {begin} until {en}."))
    return notices
