"""A service that announces births, and manifests that watch for them."""

from pathlib import Path
from typing import Any

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.connectors.connector_lookup import build_adapter, check
from lgsp_adapters.host.adapter_events import AdapterEvents
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

TEXT = {"vi": "Thử", "en": "Try"}
DATA = {
    "type": "object",
    "required": ["ma", "xa"],
    "additionalProperties": False,
    "properties": {"ma": {"type": "integer", "minimum": 0}, "xa": {"type": "string", "maxLength": 20}},
}
DOCUMENT: dict[str, Any] = {
    "service": "births",
    "version": "1.0.0",
    "title": TEXT,
    "provider": "ho-tich",
    "classification": "internal",
    "events": {
        "birth-registered": {"title": TEXT, "orderingKey": "/xa", "data": DATA, "example": {"ma": 1, "xa": "A"}}
    },
}
CONTRACT = Contract.from_document(DOCUMENT)


def manifest_of(kind: str, connection: dict[str, Any], watch: dict[str, Any], **more: Any) -> Manifest:
    """A manifest that watches for `birth-registered`; what is None is left out."""
    document = {
        "service": "births",
        "major": 1,
        "system": "ho-tich",
        "kind": kind,
        "connection": connection,
        "events": {"birth-registered": {key: value for key, value in watch.items() if value is not None}},
        **more,
    }
    return Manifest(SourceLocation("adapter.yaml"), document, connection, Path())


def adapter_of(manifest: Manifest) -> Adapter:
    """Its adapter; the manifest has no fault."""
    assert not list(check(manifest, CONTRACT))
    return build_adapter(manifest, CONTRACT)


def status(watch: AdapterEvents) -> Any:
    """What operations see of the watch."""
    return watch.watches()["birth-registered"]
