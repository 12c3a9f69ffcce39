"""What a gateway answered with instead of what was asked for, as the exception that a command raises.

The only place of the command line that reads the code of a problem document (RFC 9457) or of an OAuth error (RFC 6749,
section 5.2). Commands tell refusals apart by their types.
"""

from typing import Any

import orjson

from lgsp_problems import Refusal, Text, Violation, refusal_with_code


def refusal_from_response(status: int, content: bytes) -> Refusal:
    """Make the refusal that a response of status 300 or above reports.

    Args:
        status: the HTTP status.
        content: the body, in the language that the request asked for.

    Returns:
        A refusal with the type of its code; `bus-not-found` where the body is no problem document, so something else than a gateway
        has answered.
    """
    try:
        problem: dict[str, Any] = orjson.loads(content)
        sentence = str(problem["detail"])
        violations = [_violation(item) for item in problem.get("errors", ())]
        return refusal_with_code(str(problem["code"]), vi=sentence, en=sentence, violations=violations)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _not_a_gateway(status)


def refusal_from_oauth_error(status: int, content: bytes, code: str = "token-invalid") -> Refusal:
    """Make the refusal that an error response of the token endpoint reports, with its `error_description`.

    Args:
        status: the HTTP status.
        content: the body, in the language that the request asked for.
        code: of the refusal.

    Returns:
        `bus-not-found` where the body is no error of RFC 6749, so something else than a gateway has answered.
    """
    try:
        answered: dict[str, Any] = orjson.loads(content)
        sentence = str(answered.get("error_description") or answered["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return _not_a_gateway(status)
    return Refusal(code, vi=sentence, en=sentence)


def _violation(item: dict[str, str]) -> Violation:
    message = str(item["message"])
    return Violation(str(item["pointer"]), "", Text(message, message))


def _not_a_gateway(status: int) -> Refusal:
    return Refusal(
        "bus-not-found",
        vi=f"Ở địa chỉ này có nơi trả lời HTTP {status} nhưng không phải trục; hãy kiểm tra địa chỉ và máy chủ trung gian.",
        en=f"What answers at this address (HTTP {status}) is not the bus; check the address, and the proxy before the bus.",
    )
