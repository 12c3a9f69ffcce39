"""A service that announces events, as tests of events need one: dossiers of a one-stop shop."""

from typing import Any

PROVIDER = "provider"
SERVICE = "dossiers"
EVENT = "dossier-closed"
TYPE = "lgsp.dossiers.v1.dossier-closed"
PURPOSE = "giai-quyet-tthc"
TITLE = {"vi": "Hồ sơ", "en": "Dossiers"}
DATA = {"maHoSo": "H49-1", "soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "trangThai": "da-tra"}


def contract(**event: Any) -> dict[str, Any]:
    """Return the contract of the service.

    Args:
        event: keys of the event `dossier-closed` that differ.
    """
    return {
        "service": SERVICE,
        "version": "1.0.0",
        "title": TITLE,
        "provider": PROVIDER,
        "classification": "internal",
        "operations": {
            "read-dossier": {
                "title": TITLE,
                "idempotent": True,
                "request": {"type": "object", "properties": {"maHoSo": {"type": "string"}}},
                "response": {"type": "object", "properties": {"trangThai": {"type": "string"}}},
                "example": {"request": {"maHoSo": "H49-1"}, "response": {"trangThai": "da-tra"}},
            }
        },
        "events": {
            EVENT: {
                "title": {"vi": "Hồ sơ đã trả kết quả", "en": "A dossier was closed"},
                "classification": "personal",
                "subject": "/soDinhDanh",
                "orderingKey": "/maHoSo",
                "retention": "30d",
                "data": {
                    "type": "object",
                    "required": ["maHoSo", "soDinhDanh", "trangThai"],
                    "additionalProperties": False,
                    "properties": {
                        "maHoSo": {"type": "string"},
                        "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
                        "hoVaTen": {"type": "string", "maxLength": 100},
                        "trangThai": {"enum": ["dang-giai-quyet", "da-tra"]},
                    },
                },
                "example": DATA,
                **event,
            }
        },
    }


def grant(consumer: str, fields: list[str], **spec: Any) -> dict[str, Any]:
    """Return the spec of a grant on the event."""
    return {
        "consumer": consumer,
        "service": SERVICE,
        "major": 1,
        "events": {EVENT: {"fields": fields}},
        "purposes": [PURPOSE],
        "legalBasis": "Nghị định 61/2018",
        "quota": {"requests": 1000, "per": "second"},
        "validFrom": "2026-01-01",
        "validUntil": "2036-12-31",
        **spec,
    }
