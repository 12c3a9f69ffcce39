"""Parameters of the management API: each is declared once, beside the routes that take it, and the declaration both reads what a
caller sends and describes it in OpenAPI.

A parameter arrives as text and leaves parsed (a number within bounds, a time, one of a few words), or the request is refused. So
no handler sees a number of four thousand digits, half a character or an unknown word. `parameter_types` has the kinds of values.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from aiohttp import web

from lgsp_problems import Refusal, Text

T = TypeVar("T")

Location = Literal["query", "path", "header"]

_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes of a header that are not UTF-8 (aiohttp hands them on as lone surrogates)."""


class InvalidParameterError(ValueError):
    """A text is not a value that the parameter takes."""


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter of a route.

    Args:
        schema: what it takes, as JSON Schema for OpenAPI 3.1.
        expectation: the same for people, in words that follow "must be".
        parse: turns the text that was sent into a value; raises `InvalidParameterError` where it is not one.
        default: the value where the parameter is not sent.
    """

    name: str
    location: Location
    description: str
    schema: Mapping[str, Any]
    expectation: Text
    parse: Callable[[str], T]
    default: T
    required: bool = False

    def read_from(self, request: web.BaseRequest) -> T:
        """Read the value from a request, or return the default where the request does not carry the parameter.

        Raises:
            Refusal: `malformed`, with a sentence that says what the parameter takes.
        """
        text = self._sent_text(request)
        if text is None:
            if self.required:
                raise self.refusal()
            return self.default
        if _FORBIDDEN_CHARACTERS.search(text):
            raise self.refusal()
        try:
            return self.parse(text)
        except InvalidParameterError as error:
            raise self.refusal() from error

    def refusal(self) -> Refusal:
        """Return the refusal of a value that the parameter does not take (`malformed`); it says what the parameter takes."""
        return Refusal(
            "malformed",
            vi=f"{self.name} phải là {self.expectation.vi}; hãy sửa lại.",
            en=f"{self.name} must be {self.expectation.en}; correct it.",
        )

    def openapi(self) -> dict[str, Any]:
        """Return the Parameter Object of OpenAPI 3.1."""
        schema = dict(self.schema)
        if self.default is not None and self.default != "" and isinstance(self.default, (bool, int, str)):
            schema["default"] = self.default
        return {
            "name": self.name,
            "in": self.location,
            "required": self.required,
            "description": self.description,
            "schema": schema,
        }

    def _sent_text(self, request: web.BaseRequest) -> str | None:
        if self.location == "query":
            return request.query.get(self.name)
        if self.location == "header":
            return request.headers.get(self.name) or None
        assert isinstance(request, web.Request)
        return request.match_info.get(self.name)
