"""`/console`, `/my-data`: the files of the web console as they were built, and the HTML pages that load them.

A page names a nonce of its own in each response, so that the style sheets which components make are allowed and nothing else inline is
(Content-Security-Policy without `unsafe-inline`). The assets have names with digests and are cached for ever.

Each page of the console is a script of its own. The HTML names it, with what it needs, so that a browser fetches it together with what
all pages need and not after that has run; so does it name who is signed in (`/me`), which each page asks first, and the script that asks for
what a page shows before any other script is there (`ahead.ts` of the page).

Where the console has not been built yet, as in a clone just after `./lgsp up`, a page says so and asks again by itself.
"""

import secrets
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import NotFound

STATIC = Path(__file__).with_name("static")
"""The folder that Vite writes."""

MANIFEST = STATIC / ".vite/manifest.json"
"""Says by the names of source files which files were built from them, and what these import."""

NONCE = "CSP_NONCE"
"""Stands in the built page for the nonce of a response (`vite.config.ts`)."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOT_BUILT = """<!doctype html>
<html lang="vi">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>LGSP</title></head>
<body>
<p>Bảng điều hành đang được dựng; trang này tự mở khi xong. Nếu quá một phút, hãy xem dòng "console" của ./lgsp up.</p>
<p lang="en">The console is being built; this page opens by itself when it is done. After more than a minute, see the line "console" of ./lgsp up.</p>
</body>
</html>
"""

_HTML = {"text/html": {"type": "string"}}
_PAGE = ResponseSpec("The page; every path below it is the same page, which shows what its path names", _HTML)
_TAIL = text_parameter("tail", "the path within the console", max_length=500, location="path")
CONSOLE = Route(
    "GET",
    "/console",
    "openConsole",
    "Open the web console",
    "anybody",
    {200: _PAGE},
    open_query=True,
    tag="console",
)
PAGE = Route(
    "GET",
    "/console/{tail:.*}",
    "openConsolePage",
    "Open a page of the web console",
    "anybody",
    {200: _PAGE},
    parameters=(_TAIL,),
    open_query=True,
    tag="console",
)
MY_DATA = Route(
    "GET",
    "/my-data",
    "openMyData",
    "Open the citizens' page",
    "anybody",
    {200: _PAGE},
    open_query=True,
    tag="citizens",
)
ASSET = Route(
    "GET",
    "/console/assets/{name}",
    "readConsoleAsset",
    "Read a script, a style sheet, a font or a picture of the web console",
    "anybody",
    {200: ResponseSpec("The file", {"application/octet-stream": {"type": "string"}})},
    parameters=(text_parameter("name", "of the file", max_length=200, location="path"),),
    tag="console",
)


class _BuiltPage:
    """An HTML page as it was built last: a build replaces it while the gateway runs."""

    def __init__(self, name: str) -> None:
        self._path = STATIC / name
        self._text = ""
        self._time = 0
        self._links: dict[str, str] = {}

    def response(self, page: str = "") -> web.Response:
        """Return the HTML with a nonce of its own.

        Args:
            page: the page of the console that is asked for, as a folder of `src/pages`; where there is none, nothing is fetched ahead.
        """
        nonce = secrets.token_urlsafe(16)
        text = self._read()
        text = text.replace("<script", f"{self._links.get(page, '')}<script", 1).replace(NONCE, nonce)
        return web.Response(
            text=text,
            content_type="text/html",
            headers=_HEADERS | {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY.format(nonce=nonce)},
        )

    def _read(self) -> str:
        try:
            time = self._path.stat().st_mtime_ns
            if time != self._time:
                self._text, self._time = self._path.read_text(encoding="utf-8"), time
                self._links = _links_of_pages(self._text)
        except FileNotFoundError:
            return _NOT_BUILT
        return self._text


def _links_of_pages(text: str) -> dict[str, str]:
    """Return by the name of a page the HTML that lets its files be fetched, without those that the HTML of all pages names already."""
    built = orjson.loads(MANIFEST.read_bytes()) if MANIFEST.exists() else {}
    pages = {Path(source).parent.name: source for source in built if source.startswith("src/pages/")}
    return {
        page: _ahead(built, page)
        + "".join(_link(file) for file in dict.fromkeys(_files(built, source)) if file not in text)
        for page, source in pages.items()
        if source == f"src/pages/{page}/index.tsx"
    }


def _ahead(built: dict[str, Any], page: str) -> str:
    """Return the HTML that asks for what a page shows, and who is signed in; first of all, since a browser opens six connections."""
    script = built.get(f"src/pages/{page}/ahead.ts")
    early = (
        f'<script type="module" async crossorigin src="/console/{script["file"]}" nonce="{NONCE}"></script>'
        if script
        else ""
    )
    return f'{early}<link rel="preload" as="fetch" crossorigin href="/me">'


def _files(built: dict[str, Any], source: str) -> Iterator[str]:
    """Yield the scripts and style sheets of a source file, and of what it imports at once."""
    yield built[source]["file"]
    yield from built[source].get("css", ())
    for imported in built[source].get("imports", ()):
        yield from _files(built, imported)


def _link(file: str) -> str:
    kind = "stylesheet" if file.endswith(".css") else "modulepreload"
    return f'<link rel="{kind}" crossorigin href="/console/{file}" nonce="{NONCE}">'


class _Asset(web.FileResponse):
    """A file that the system itself sends (sendfile), once."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file, unless it was sent: the server sends each response within its middleware, and aiohttp asks again afterwards."""
        return None if self.prepared else await super().prepare(request)


class ConsoleRoutes:
    """The routes of the console's files."""

    def __init__(self) -> None:
        self._console = _BuiltPage("index.html")
        self._my_data = _BuiltPage("my-data.html")

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CONSOLE, self._open_page)
        add_route(app, MY_DATA, self._open_my_data)
        add_route(app, ASSET, self._read_asset)
        add_route(app, PAGE, self._open_page)

    async def _open_page(self, request: web.Request) -> web.Response:
        return self._console.response(request.match_info.get("tail", "").partition("/")[0])

    async def _open_my_data(self, _: web.Request) -> web.Response:
        return self._my_data.response()

    async def _read_asset(self, request: web.Request) -> web.StreamResponse:
        path = STATIC / "assets" / request.match_info["name"]
        if path.parent != STATIC / "assets" or not path.is_file():
            raise NotFound(
                vi="Bảng điều hành không có tệp này; hãy tải lại trang.",
                en="The console has no such file; reload the page.",
            )
        return _Asset(
            path, headers=_HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"}, status=HTTPStatus.OK
        )
