"""Evidence of changes of the registry that no caller asks a gateway for: what the owner of its machine does."""

import hashlib
import time

import orjson
import uuid_utils

from lgsp_contracts import entry
from lgsp_gateway.registry.documents import DocumentVersion


def registry_entry(version: DocumentVersion, gateway: str, by: str, action: str) -> bytes:
    """Return the entry of a change, to be written before the change is.

    Args:
        version: what is going to be written; its digest is that of the bytes that the registry keeps.
        gateway: that writes it.
        by: on whose behalf.
        action: what is done.
    """
    return orjson.dumps(
        {
            "v": entry.VERSION,
            "kind": "registry",
            "message": str(uuid_utils.uuid7()),
            "time": int(time.time() * 1000),
            "gateway": gateway,
            "principal": by,
            "role": "operator",
            "document": version.kind,
            "name": version.name,
            "action": action,
            "digest": hashlib.sha256(version.data).hexdigest(),
        }
    )
