"""`/problems`: what each problem code means and what to do about it. The member `help` of a problem document leads here.

The errors that a contract declares are described on the page of its service.
"""

from typing import Any

from aiohttp import hdrs, web

from lgsp_contracts.names import MAX_NAME
from lgsp_contracts.tooling.pages import page
from lgsp_gateway.api.html_pages import HTML, LANGUAGE, html_response, language_of
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.http import json_responses
from lgsp_gateway.http.accepted_media import prefers_html
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.problems import HELP, TYPE
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_problems import CODES, Language, NotFound
from lgsp_problems.explanations import explanations

_VARY = "Accept, Accept-Language"

CODE = text_parameter("code", "a problem code", max_length=MAX_NAME, pattern="^[a-z_:-]+$", location="path")
LIST = Route(
    "GET",
    "/problems",
    "listProblemCodes",
    "List the problem codes: HTML for browsers, JSON for programs",
    "public",
    {200: ResponseSpec("The codes", {**HTML, **json_of("ProblemCodes")})},
    parameters=(LANGUAGE,),
    tag="problems",
)
PAGE = Route(
    "GET",
    "/problems/{code}",
    "explainProblemCode",
    "Explain a problem code: HTML for browsers, JSON for programs",
    "public",
    {
        200: ResponseSpec("When the code is used, and what to do", {**HTML, **json_of("ProblemCode")}),
        308: ResponseSpec("The path names the `type` of a problem: see the page of its code", headers=("Location",)),
    },
    parameters=(CODE, LANGUAGE),
    problems=("not-found",),
    tag="problems",
)


class ProblemPages:
    """The routes of the explanations."""

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, LIST, self._list)
        add_route(app, PAGE, self._explain)

    async def _list(self, request: web.Request) -> web.Response:
        language = language_of(request)
        if prefers_html(request.headers.get(hdrs.ACCEPT)):
            return await html_response(page.problems(language), vary=_VARY)
        return _json({"items": [_explained(code, language) for code in CODES]}, language)

    async def _explain(self, request: web.Request) -> web.Response:
        code, language = CODE.read_from(request), language_of(request)
        if code.removeprefix(TYPE) in CODES and code.startswith(TYPE):
            query = f"?{request.query_string}" if request.query_string else ""
            location = f"{HELP}{code.removeprefix(TYPE)}{query}"
            return web.Response(status=308, headers={hdrs.LOCATION: location})
        if code not in CODES:
            raise NotFound(
                vi="Trục không có mã này; các mã của trục ở /problems, mã riêng của một dịch vụ ở trang của dịch vụ trong /catalog.",
                en="The bus has no such code; its codes are at /problems, those of a service are on its page in /catalog.",
            )
        if prefers_html(request.headers.get(hdrs.ACCEPT)):
            return await html_response(page.problem(code, language), vary=_VARY)
        return _json(_explained(code, language), language)


def _explained(code: str, language: Language) -> dict[str, Any]:
    kind, explanation = CODES[code], explanations()[code]
    return {
        "code": code,
        "type": TYPE + code,
        "status": kind.status,
        "title": kind.title.in_language(language),
        "when": explanation.when.in_language(language),
        "action": explanation.action.in_language(language),
        "help": HELP + code,
    }


def _json(content: Any, language: Language) -> web.Response:
    return json_responses.json_response(content, headers={"Vary": _VARY, hdrs.CONTENT_LANGUAGE: language})
