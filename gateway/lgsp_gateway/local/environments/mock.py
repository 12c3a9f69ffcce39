"""A bus whose providers are played from their contracts, so that consumers begin before the provider is done.

Everything but the provider is the bus itself: tokens, grants, purposes, validation and evidence are what they will be.
"""

from pathlib import Path
from typing import Any

import orjson
import yaml

from lgsp_contracts import documents
from lgsp_contracts.contract import Contract
from lgsp_gateway.local.environment import Environment
from lgsp_gateway.local.state_dir import StateDir

CONSUMER = "consumer"
PURPOSE = "thu-nghiem"
_TITLE = {"vi": "Thử nghiệm", "en": "Trial"}


def environment(paths: list[Path], folder: Path) -> Environment:
    """Make an environment that serves these contracts; its files are written to `folder`.

    Raises:
        Refusal: `invalid-document`, when one is no contract.
    """
    contracts: list[Contract] = []
    catalog, adapters = folder / "catalog", {}
    catalog.mkdir(parents=True)
    for path in paths:
        location, document = documents.read_first(path)
        contract = Contract.from_document(document, location)
        contracts.append(contract)
        name = f"{contract.service}-v{contract.major}"
        (catalog / f"{name}.yaml").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        manifest = {"service": contract.service, "major": contract.major, "system": contract.provider, "kind": "mock"}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
        adapters[name] = (str(folder / f"{name}.yaml"),)
    registry = folder / "registry.yaml"
    registry.write_text(yaml.safe_dump_all(_registry(contracts), allow_unicode=True), encoding="utf-8")
    return Environment(
        registry=registry,
        ready_message=lambda url, state: _words(contracts, url, state),
        adapters=adapters,
        catalog=catalog,
    )


def _registry(contracts: list[Contract]) -> list[dict[str, Any]]:
    def document(kind: str, name: str, **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "lgsp/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    systems = sorted({CONSUMER, *(contract.provider for contract in contracts)})
    registry_documents = [document("Agency", "H49", title=_TITLE)]
    registry_documents += [document("System", name, agency="H49", title=_TITLE) for name in systems]
    return registry_documents + [
        document(
            "Grant",
            f"{CONSUMER}-{contract.service}-v{contract.major}",
            consumer=CONSUMER,
            service=contract.service,
            major=contract.major,
            operations={name: {"fields": ["*"]} for name in contract.operations},
            purposes=[PURPOSE],
            legalBasis="Thử nghiệm",
            quota={"requests": 60000, "per": "minute"},
            validFrom="2025-01-01",
            validUntil="2099-12-31",
        )
        for contract in contracts
    ]


def _words(contracts: list[Contract], url: str, state: StateDir) -> str:
    lines = ["Call:"]
    for contract in contracts:
        for name, operation in contract.operations.items():
            lines += [
                "",
                f"curl -s {url}/services/{contract.service}/v{contract.major}/{name} \\",
                f'  -H "Authorization: Bearer $(lgsp token {CONSUMER} --state-dir {state.root})" \\',
                f"  -H 'Lgsp-Purpose: {PURPOSE}' -H 'Content-Type: application/json' \\",
                f"  -d '{orjson.dumps(operation.example.request).decode()}'",
            ]
    return "\n".join(lines)
