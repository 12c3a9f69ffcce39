"""Members of the JSON object in the body of a request: texts, each refused by name where it is none."""

from typing import Any

from aiohttp import web

from lgsp_gateway.http import decoded_bodies
from lgsp_problems import Refusal, Text, Violation

MAX_TEXT = 4096
"""Characters of one text."""


async def read_members(request: web.Request, *names: str, objects: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read the members of a body; a text that is not sent is "".

    Args:
        names: of texts.
        objects: of objects.

    Raises:
        Refusal: `malformed`, `invalid-document`, or what is wrong with the body.
    """
    body = await decoded_bodies.read_json_object(request)
    unknown = set(body) - {*names, *objects}
    wrong = [name for name in names if not isinstance(body.get(name, ""), str) or len(body.get(name, "")) > MAX_TEXT]
    wrong += [name for name in objects if not isinstance(body.get(name), dict)]
    if unknown or wrong:
        known = ", ".join((*names, *objects))
        message = Text(
            f"Nội dung chỉ gồm {known}, mỗi trường đúng kiểu.", f"The body may hold {known}, each of its type."
        )
        raise Refusal(
            "invalid-document",
            vi=message.vi,
            en=message.en,
            violations=[Violation(f"/{name}", f"/properties/{name}", message) for name in wrong],
        )
    return {name: body.get(name, "") for name in names} | {name: body[name] for name in objects}
