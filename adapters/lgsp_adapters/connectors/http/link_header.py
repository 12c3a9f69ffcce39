"""The header `Link` (RFC 8288): the address of the next page.

Own code, since aiohttp's parser (`ClientResponse.links`) splits at commas inside an address and takes the relation `next prev` for another one.
"""

import re
from collections.abc import Mapping

_LINK = re.compile(
    r"\s*<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\*?(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]*))?)*)\s*(?:,|$)"
)
_PARAMETER = re.compile(r";\s*([\w!#$&+.^`|~-]+\*?)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]*))")
MAX_CHARACTERS = 8_192


def next_link(headers: Mapping[str, str]) -> str | None:
    """Return the target of the first link whose relation is `next`; None where there is none.

    Args:
        headers: by name in lower case; several headers of one name joined by commas.

    Raises:
        ValueError: the header is no list of links, or is too long: it is unknown whether there is a next one.
    """
    text, position = headers.get("link", ""), 0
    if len(text) > MAX_CHARACTERS:
        raise ValueError("too long")
    while match := _LINK.match(text, position):
        relations = {name.lower(): quoted or bare for name, quoted, bare in reversed(_PARAMETER.findall(match[2]))}
        if "next" in relations.get("rel", "").lower().split():
            return match[1]
        position = match.end()
    if text[position:].strip(", \t"):
        raise ValueError("not a list of links")
    return None
