"""A contract as AsyncAPI 3.0: how an adapter in any language serves it on NATS, by wire protocol 1, and how its events are published and
received.

The AsyncAPI document describes what follows the line feed of a message on NATS; the line before it is specified in
`docs/protocol/wire-1.md`, since no schema language describes a message in two parts. Over HTTP an event is a whole CloudEvent.

AsyncAPI describes one application, and here there are two: operations are tagged with whose they are, the provider's or a subscriber's.
"""

from typing import Any
from urllib.parse import urlsplit

from lgsp_contracts import cloudevents, wire, wire_events
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.event import Event
from lgsp_contracts.tooling.cloudevent_schema import cloud_event_schema
from lgsp_contracts.tooling.component_schemas import component_schemas

_PAYLOAD = "The document of the message; wire protocol 1 puts one line of JSON before it."
_PROVIDER, _SUBSCRIBER = [{"name": "provider"}], [{"name": "subscriber"}]
_BINDING = "0.1.0"
_HTTP_BINDING = "0.3.0"
_WEBHOOK_HEADERS = {
    "type": "object",
    "description": "Headers of Standard Webhooks: verify the signature with one of its libraries",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {"type": "string", "description": "The same in each attempt"},
        "webhook-timestamp": {"type": "string", "description": "Seconds since 1970"},
        "webhook-signature": {
            "type": "string",
            "description": "`v1,` and the signature in Base64; several while a secret is rotated",
        },
    },
}


def asyncapi(contract: Contract, nats: str, url: str) -> dict[str, Any]:
    """Write the AsyncAPI document of a service.

    Args:
        nats: host and port of the NATS server.
        url: the address of the bus over HTTP.
    """
    address = urlsplit(url)
    described: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": contract.title.en, "description": contract.title.vi, "version": contract.version},
        "defaultContentType": "application/json",
        "servers": {
            "bus": {
                "host": nats,
                "protocol": "nats",
                "description": "Adapters of the provider",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            },
        },
        "channels": {},
        "operations": {},
        "components": {
            "messages": {},
            "schemas": component_schemas(contract, projected=False),
            "securitySchemes": {
                "token": {
                    "type": "userPassword",
                    "description": "The access token of the provider's system, as NATS's auth token",
                }
            },
        },
    }
    for operation in contract.operations.values():
        _add_operation(described, contract, operation)
    if contract.events:
        described["servers"]["http"] = {
            "host": address.netloc,
            "pathname": address.path or "/",
            "protocol": address.scheme,
            "description": "Publishers without an adapter, and subscribers",
            "security": [{"$ref": "#/components/securitySchemes/oauth2"}],
        }
        described["components"]["securitySchemes"]["oauth2"] = {
            "type": "oauth2",
            "description": "An access token of the system, sent as `Authorization: Bearer`",
            "flows": {"clientCredentials": {"tokenUrl": f"{url.rstrip('/')}/oauth2/token", "availableScopes": {}}},
        }
    for event in contract.events.values():
        _add_event(described, contract, event)
    return described


def _add_operation(described: dict[str, Any], contract: Contract, operation: Operation) -> None:
    name, channels = operation.name, described["channels"]
    channels[name] = {
        "address": wire.subject(contract.service, contract.major, name),
        "servers": [{"$ref": "#/servers/bus"}],
        "messages": {"request": {"$ref": f"#/components/messages/{name}.request"}},
    }
    channels[f"{name}.reply"] = {
        "address": None,
        "description": "The reply subject of the request",
        "messages": {"response": {"$ref": f"#/components/messages/{name}.response"}},
    }
    for part in ("request", "response"):
        described["components"]["messages"][f"{name}.{part}"] = {
            "contentType": "application/json",
            "description": _PAYLOAD,
            "payload": {"$ref": f"#/components/schemas/{name}.{part}"},
        }
    described["operations"][name] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "title": operation.title.en,
        "summary": operation.title.vi,
        "tags": _PROVIDER,
        "bindings": {"nats": {"queue": contract.service, "bindingVersion": _BINDING}},
        "reply": {"channel": {"$ref": f"#/channels/{name}.reply"}},
    }


def _add_event(described: dict[str, Any], contract: Contract, event: Event) -> None:
    """Describe the two ways to publish an event, and the three to receive it."""
    name, components = f"{event.name}.event", described["components"]
    components["schemas"][name] = cloud_event_schema(event, {"$ref": f"#/components/schemas/{event.name}.data"})
    components["messages"] |= {
        f"{event.name}.announced": {
            "contentType": cloudevents.JSON,
            "description": _PAYLOAD,
            "payload": {"$ref": f"#/components/schemas/{event.name}.data"},
        },
        name: {"contentType": cloudevents.STRUCTURED, "payload": {"$ref": f"#/components/schemas/{name}"}},
        f"{event.name}.webhook": {
            "contentType": cloudevents.STRUCTURED,
            "headers": _WEBHOOK_HEADERS,
            "payload": {"$ref": f"#/components/schemas/{name}"},
        },
    }
    subject = wire_events.event_subject(contract.service, contract.major, event.name)
    path = f"/events/{contract.service}/v{contract.major}/{event.name}"
    ways: list[tuple[str, str, str, str | None, str, str, dict[str, Any]]] = [
        ("announced", "bus", "send", subject, f"{event.name}.announced", "Publish it from an adapter", {}),
        ("published", "http", "send", path, name, "Publish it over HTTP", _http("POST")),
        ("streamed", "http", "receive", "/subscriptions/{subscription}/events", name, _SSE, _http("GET")),
        ("webhook", "", "receive", None, f"{event.name}.webhook", "Receive it at a webhook endpoint", _http("POST")),
    ]
    for way, server, action, address, message, summary, bindings in ways:
        channel: dict[str, Any] = {
            "address": address,
            "messages": {"event": {"$ref": f"#/components/messages/{message}"}},
        }
        if server:
            channel["servers"] = [{"$ref": f"#/servers/{server}"}]
        if address and "{subscription}" in address:
            channel["parameters"] = {"subscription": {"description": "The id of a subscription to the event"}}
        described["channels"][f"{event.name}.{way}"] = channel
        described["operations"][f"{event.name}.{way}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{event.name}.{way}"},
            "title": event.title.en,
            "summary": summary,
            "tags": _PROVIDER if action == "send" else _SUBSCRIBER,
            **({"bindings": bindings} if bindings else {}),
        }


_SSE = (
    "Receive it as server-sent events (`Accept: text/event-stream`, `Last-Event-ID`), or pull it with acknowledgements"
)


def _http(method: str) -> dict[str, Any]:
    return {"http": {"method": method, "bindingVersion": _HTTP_BINDING}}
