"""The variable `sent` of headers: the request as it is about to be sent, for systems that want it signed.

    headers:
      X-Time: now.iso
      X-Signature: hmac(join('|', [sent.method, sent.target, sent.sha256, sent.headers."X-Time"]), connection.secret)

Headers are evaluated in the order in which they are written, and `sent.headers` holds those above.
"""

import base64
import hashlib
import re
import uuid
from typing import Any

from yarl import URL

from lgsp_adapters.mapping.budget import BYTES, spend
from lgsp_contracts.source_location import SourceLocation

NAME = "sent"
FIELDS = (
    "method",
    "host",
    "path",
    "query",
    "target",
    "body",
    "length",
    "sha256",
    "sha256_base64",
    "md5_base64",
    "nonce",
    "headers",
)
_NAMED = re.compile(r"\bsent\b")
_USED = re.compile(r"(?<![.\w'])sent\.(\w+)")


def uses(expression: str, location: SourceLocation) -> bool:
    """Tell whether an expression of a manifest uses the variable.

    Raises:
        Refusal: `invalid-document`, when it uses a field that the variable does not have: the signature would be made of nothing.
    """
    used = _USED.findall(expression)
    for field in used:
        if field not in FIELDS:
            known = ", ".join(FIELDS)
            raise location.refusal(f"sent không có {field}; có: {known}", f"sent has no {field}; it has: {known}")
    return bool(_NAMED.search(expression))  # also as `sent."body"`, of which null would be signed otherwise


def variables(method: str, url: URL, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Make the variable.

    Args:
        headers: filled by the caller while they are evaluated.
    """
    spend(len(body) // BYTES)
    sha256, md5 = hashlib.sha256(body), hashlib.md5(body, usedforsecurity=False)
    return {
        "method": method,
        "host": url.host_port_subcomponent or "",
        "path": url.raw_path,
        "query": url.raw_query_string,
        "target": url.raw_path_qs,
        "body": _text(body),
        "length": str(len(body)),
        "sha256": sha256.hexdigest(),
        "sha256_base64": base64.b64encode(sha256.digest()).decode(),
        "md5_base64": base64.b64encode(md5.digest()).decode(),
        "nonce": str(uuid.uuid4()),
        "headers": headers,
    }


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None  # such as a file
