"""Errors over HTTP: RFC 9457 problem details, in the caller's language.

`type` is stable (`urn:lgsp:problem:` and the code), `instance` is the message id under which evidence and log are found, `errors`
lists where a document violates which rule.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web

from lgsp_gateway.http.language import preferred_language
from lgsp_problems import NotFound, Refusal
from lgsp_runtime.unexpected_errors import log_internal_error

TYPE = "urn:lgsp:problem:"


def refusal_of(error: Exception, message: str, path: str = "") -> Refusal:
    """Return the refusal that answers an exception; the one place where that is decided, for calls and everything else.

    An unexpected exception is logged with its frames, without its text, and becomes `internal-error`.

    Args:
        message: the id that the caller is given and the log line carries.
        path: the path of the request, named in the refusal where there is no such path.
    """
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
    response = web.Response(body=body, status=refusal.kind.status, headers=headers)
    if not request.content.is_eof():
        response.force_close()  # the rest of the body is not waited for: it is too large, or may never come
    return response


def render_problem(
    refusal: Refusal,
    accept_language: str | None,
    message: str = "",
    traceparent: str = "",
    extension: Mapping[str, Any] | None = None,
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body (JSON) of a problem document.

    Args:
        accept_language: the caller's `Accept-Language`.
        message: the message id; "" for none.
        traceparent: the trace context of the call (W3C); "" for none.
        extension: further members of the problem document.
    """
    language = preferred_language(accept_language)
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
    }
    if message:
        problem["instance"] = f"urn:uuid:{message}"
        headers["Lgsp-Message-Id"] = message
    if traceparent:
        headers["traceparent"] = traceparent
    if refusal.violations:
        problem["errors"] = [
            {"pointer": violation.pointer, "message": violation.message.in_language(language)}
            for violation in refusal.violations
        ]
    problem |= extension or {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return headers, orjson.dumps(problem)


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
