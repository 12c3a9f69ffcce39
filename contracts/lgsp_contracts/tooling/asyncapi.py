"""A contract as AsyncAPI 3.0: how an adapter in any language serves it on NATS, by wire protocol 1.

The AsyncAPI document describes what follows the line feed of a message; the line before it is specified in
`docs/protocol/wire-1.md`, since no schema language describes a message in two parts.
"""

from typing import Any

from lgsp_contracts import wire
from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling.component_schemas import component_schemas

_PAYLOAD = "The document of the message; wire protocol 1 puts one line of JSON before it."


def asyncapi(contract: Contract, nats: str) -> dict[str, Any]:
    """Write the AsyncAPI document of a service, for a NATS server at this host and port."""
    operations: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for name, operation in contract.operations.items():
        address = wire.subject(contract.service, contract.major, operation.name)
        channels[name] = {
            "address": address,
            "messages": {"request": {"$ref": f"#/components/messages/{name}.request"}},
        }
        channels[f"{name}.reply"] = {
            "address": None,
            "description": "The reply subject of the request",
            "messages": {"response": {"$ref": f"#/components/messages/{name}.response"}},
        }
        for part in ("request", "response"):
            payload = {"$ref": f"#/components/schemas/{name}.{part}"}
            messages[f"{name}.{part}"] = {
                "contentType": "application/json",
                "description": _PAYLOAD,
                "payload": payload,
            }
        operations[name] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "title": operation.title.en,
            "summary": operation.title.vi,
            "bindings": {"nats": {"queue": contract.service, "bindingVersion": "0.1.0"}},
            "reply": {"channel": {"$ref": f"#/channels/{name}.reply"}},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": contract.title.en, "description": contract.title.vi, "version": contract.version},
        "defaultContentType": "application/json",
        "servers": {
            "bus": {"host": nats, "protocol": "nats", "security": [{"$ref": "#/components/securitySchemes/token"}]}
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": component_schemas(contract, projected=False),
            "securitySchemes": {
                "token": {
                    "type": "userPassword",
                    "description": "The access token of the provider's system, as NATS's auth token",
                }
            },
        },
    }
