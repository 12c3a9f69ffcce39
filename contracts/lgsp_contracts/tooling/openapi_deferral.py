"""How the OpenAPI document of a service describes calls that are accepted now and carried out later."""

from typing import Any

_TEXT = {"type": "string"}
_SENT = {
    "Prefer": ("`respond-async` (RFC 7240): accept the call now, and carry it out later", _TEXT),
    "Lgsp-Ordering-Key": (
        "Messages with the same key are delivered one after the other; at most 255 visible ASCII characters",
        {**_TEXT, "maxLength": 255},
    ),
    "Lgsp-Priority": ("Which messages are delivered first", {"enum": ["high", "normal", "low"], "default": "normal"}),
    "Lgsp-Callback": ("The name of one of your own webhook endpoints, which is told of the answer", _TEXT),
}

ACCEPTED_HEADERS = {
    "Location": "Where its state and its answer are: `/messages/{id}`",
    "Preference-Applied": "`respond-async`",
}
"""Headers of the response to a call that was accepted, beside those of any answer, each with its description."""
_ACCEPTED = {
    "type": "object",
    "required": ["id", "state", "href"],
    "properties": {"id": _TEXT, "state": {"const": "accepted"}, "href": _TEXT},
}


def deferral_parameters() -> list[dict[str, Any]]:
    """Return the headers of a call that may be carried out later."""
    return [
        {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
        for name, (description, schema) in _SENT.items()
    ]


def accepted_response(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the response to a call that was accepted.

    Args:
        headers: of the response, `ACCEPTED_HEADERS` among them.
    """
    return {
        "description": "The message is on disk, and is delivered until it is answered or its deadline is over",
        "headers": headers,
        "content": {"application/json": {"schema": _ACCEPTED}},
    }
