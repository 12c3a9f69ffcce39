"""Errors over HTTP, in the caller's language: RFC 9457 problem details, and OAuth's own error format.

`type` is stable (`urn:lgsp:problem:` and the code), `help` is the path of a page that explains the code, `instance` is the message id under which evidence and log are found, `errors`
lists where a document violates which rule. Token and revocation endpoints answer as RFC 6749, section 5.2, and RFC 7009, section
2.2.1, prescribe.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web

from lgsp_gateway.http.language import accepted_language, preferred_language
from lgsp_problems import CODES, NotFound, Refusal
from lgsp_runtime.error_frames import forget_frames
from lgsp_runtime.unexpected_errors import log_internal_error

TYPE = "urn:lgsp:problem:"
HELP = "/problems/"
"""The path of the explanation of a code of the bus."""
_HELP_PATHS = {code: HELP + code for code in CODES}

_OAUTH_ERRORS = {
    "malformed": ("invalid_request", 400),
    "too-large": ("invalid_request", 400),
    "unsupported-media-type": ("invalid_request", 400),
    "too-slow": ("invalid_request", 408),  # its connection is closed, which this status says
}
"""Error code and status of RFC 6749, section 5.2, for codes that are called otherwise here; the others are the same."""


def refusal_of(error: Exception, message: str, path: str = "") -> Refusal:
    """Return the refusal that answers an exception; the one place where that is decided, for calls and everything else.

    An unexpected exception is logged with its frames, without its text, and becomes `internal-error`. Afterwards no frames are kept: they hold
    the request.

    Args:
        message: the id that the caller is given and the log line carries.
        path: the path of the request, named in the refusal where there is no such path.
    """
    try:
        return _refusal_of(error, message, path)
    finally:
        forget_frames(error)


def _refusal_of(error: Exception, message: str, path: str) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPMethodNotAllowed):
        return method_not_allowed(", ".join(sorted(error.allowed_methods)))
    if isinstance(error, web.HTTPNotFound):
        return _no_such_path(path)
    if isinstance(error, web.HTTPException):
        return _malformed_request(error)
    return log_internal_error(error, message)


def problem_response(
    refusal: Refusal,
    request: web.BaseRequest,
    message: str = "",
    extension: Mapping[str, Any] | None = None,
) -> web.Response:
    """Make the response to a refusal, in the language that the request prefers.

    Args:
        message: the message id under which the log has the error; "" for none.
        extension: further members of the problem document.
    """
    headers, body = render_problem(refusal, request.headers.get(hdrs.ACCEPT_LANGUAGE), message, extension=extension)
    return _response(refusal.kind.status, headers, body, request)


def oauth_error_response(refusal: Refusal, request: web.BaseRequest, message: str = "") -> web.Response:
    """Make the response of an OAuth endpoint for a refusal: `error` and `error_description` (RFC 6749, section 5.2).

    Args:
        message: the id to find it by; empty for what is not logged.
    """
    language = accepted_language(request)
    code, status = _OAUTH_ERRORS.get(refusal.code, (refusal.code, refusal.kind.status))
    error = {"error": code, "error_description": refusal.detail.in_language(language)}
    headers = {
        "Content-Type": "application/json",
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Pragma": "no-cache",  # RFC 6749 asks for it beside Cache-Control
        "Vary": "Accept-Language",
        **refusal.headers,
        **_trace_headers(refusal, message),
    }
    return _response(status, headers, orjson.dumps(error), request)


def _response(status: int, headers: Mapping[str, str], body: bytes, request: web.BaseRequest) -> web.Response:
    response = web.Response(body=body, status=status, headers=headers)
    if not request.content.is_eof():
        response.force_close()  # the rest of the body is not waited for: it is too large, or may never come
    return response


def _trace_headers(refusal: Refusal, message: str) -> dict[str, str]:
    headers = {"Lgsp-Message-Id": message} if message else {}
    return headers if refusal.retry_after is None else {**headers, "Retry-After": str(refusal.retry_after)}


def render_problem(
    refusal: Refusal,
    accept_language: str | None,
    message: str = "",
    traceparent: str = "",
    extension: Mapping[str, Any] | None = None,
    declared_at: str = "",
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body (JSON) of a problem document.

    Args:
        accept_language: the caller's `Accept-Language`.
        message: the message id; "" for none.
        traceparent: the trace context of the call (W3C); "" for none.
        extension: further members of the problem document.
        declared_at: the page of the contract that declares the code, where the code is none of the bus.
    """
    language = preferred_language(accept_language)
    explained_at = help_path(refusal.code, declared_at)
    problem: dict[str, Any] = {
        "type": TYPE + refusal.code,
        "title": refusal.kind.title.in_language(language),
        "status": refusal.kind.status,
        "detail": refusal.detail.in_language(language),
        "code": refusal.code,
    }
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        **refusal.headers,
        **_trace_headers(refusal, message),
    }
    if explained_at:
        problem["help"] = explained_at
    if message:
        problem["instance"] = f"urn:uuid:{message}"
    if traceparent:
        headers["traceparent"] = traceparent
    if refusal.violations:
        problem["errors"] = [
            {"pointer": violation.pointer, "message": violation.message.in_language(language)}
            for violation in refusal.violations
        ]
    problem |= extension or {}
    return headers, orjson.dumps(problem)


def help_path(code: str, declared_at: str = "") -> str:
    """Return the path of the page that explains a problem code.

    Args:
        declared_at: the page of the contract that declares the code, where it is none of the bus.
    """
    return _HELP_PATHS.get(code, declared_at)


def method_not_allowed(allowed: str) -> Refusal:
    """Return the refusal of a method that a path does not have (`method-not-allowed`).

    Args:
        allowed: the methods it has, separated by commas; sent as the header `Allow`.
    """
    return Refusal(
        "method-not-allowed",
        vi=f"Đường dẫn này chỉ nhận phương thức {allowed}; hãy gửi lại bằng phương thức đó.",
        en=f"This path accepts {allowed} only; send the request with that method.",
        headers={"Allow": allowed},
    )


def _no_such_path(path: str) -> Refusal:
    return NotFound(
        vi=f"Không có đường dẫn {path[:80]}; dịch vụ nằm ở /services, danh mục ở /catalog/services.",
        en=f"There is no path {path[:80]}; services are under /services, the catalogue is at /catalog/services.",
    )


def _malformed_request(error: web.HTTPException) -> Refusal:
    return Refusal(
        "too-large" if error.status == 413 else "malformed",
        vi="Không hiểu được yêu cầu HTTP này; hãy kiểm tra phương thức, tiêu đề và kích thước.",
        en="This HTTP request could not be understood; check its method, headers and size.",
    )
