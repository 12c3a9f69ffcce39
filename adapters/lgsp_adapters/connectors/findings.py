"""Finds everything in a manifest that cannot work, all at once and before anything runs: what `lgsp adapter check` prints.

What keeps an adapter from starting is also refused when it starts (`connector_lookup.build`). The rest is found here alone, since it is known
from the text of the manifest only in part: a mapping that makes another type than the contract's, a name that nothing has. Warnings are about
what works and is hardly meant: a field of the request that the system never sees, an error that the adapter never reports.
"""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.connectors import connector_lookup, field_references
from lgsp_adapters.connectors.manifest_templates import ManifestTemplate, templates
from lgsp_adapters.connectors.template_types import TemplateTypes
from lgsp_adapters.manifest import ExaminedManifest, Manifest, examine
from lgsp_adapters.mapping.template_parts import structure_faults
from lgsp_contracts.catalog import Catalog
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation
from lgsp_problems import Refusal, Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or hardly meant, and what to do about it.

    Args:
        severity: an `error` keeps the manifest from working; a `warning` does not.
        message: without its location.
    """

    severity: Literal["error", "warning"]
    location: SourceLocation
    message: Text


@dataclass(frozen=True, slots=True)
class Examination:
    """The findings in a manifest, in the order of its lines.

    Args:
        contract: that it was checked against; None where there is none.
    """

    findings: list[Finding]
    contract: Contract | None

    @property
    def errors(self) -> int:
        """Count the findings that keep the manifest from working."""
        return sum(finding.severity == "error" for finding in self.findings)


def examine_manifest(path: Path, catalog: Catalog, *, offline: bool) -> Examination:
    """Check a manifest against its schema and its contract.

    Args:
        offline: read no environment variable and no secret, and open nothing.
    """
    try:
        examined = examine(path, offline=offline)
    except DocumentRefusal as unreadable:
        return Examination([Finding("error", unreadable.location, unreadable.message)], None)
    manifest = examined.manifest
    contract: Contract | None = None
    refusals: list[Refusal] = list(examined.faults)
    warnings: list[Finding] = []
    try:
        contract = manifest.find_contract(catalog) if manifest else None
    except Refusal as refusal:
        refusals.append(refusal)
    if manifest and contract:
        refusals += _faults(examined, manifest, contract, offline=offline)
        warnings = list(_warnings(manifest, contract))
        if not refusals and not examined.unresolved and not offline:
            warnings += _settings_warnings(manifest, contract)
    fallback = SourceLocation(str(path))
    findings = [_error(refusal, fallback) for refusal in refusals] + warnings
    unique = dict.fromkeys(
        findings
    )  # a fault that keeps the connector from being built is often found in its template too
    return Examination(sorted(unique, key=lambda finding: finding.location.line or 0), contract)


def _error(refusal: Refusal, fallback: SourceLocation) -> Finding:
    if isinstance(refusal, DocumentRefusal):
        return Finding("error", refusal.location, refusal.message)
    return Finding("error", fallback, refusal.detail)


def _faults(examined: ExaminedManifest, manifest: Manifest, contract: Contract, *, offline: bool) -> Iterator[Refusal]:
    for template in templates(manifest):
        yield from _template_faults(template, manifest, contract)
    if any(not _of_operation(fault) and not _of_connection(fault) for fault in examined.faults):
        return  # what is built of it would only say so again
    manifest, contract = _without_broken_operations(manifest, contract, examined.faults)
    yield from connector_lookup.check(manifest, contract)
    yield from _type_faults(manifest, contract)
    for refusal in _building_faults(manifest, contract, examined.unresolved):
        if not (isinstance(refusal, DocumentRefusal) and _is_unread(refusal.location.path, examined, offline=offline)):
            yield refusal


def _is_unread(path: tuple[str, ...], examined: ExaminedManifest, *, offline: bool) -> bool:
    """Tell whether a part of the manifest is a secret that was not read: a value of the connection, or a file with a private key."""
    return (path[:1] == ("connection",) and not examined.unresolved.isdisjoint(path[1:2])) or (
        offline and path[:1] == ("tls",)
    )


def _of_operation(fault: DocumentRefusal) -> bool:
    return fault.location.path[:1] == ("operations",) and len(fault.location.path) > 1


def _of_connection(fault: DocumentRefusal) -> bool:
    return fault.location.path[:1] == ("connection",) and len(fault.location.path) > 1


def _without_broken_operations(
    manifest: Manifest, contract: Contract, faults: list[DocumentRefusal]
) -> tuple[Manifest, Contract]:
    """Leave out the operations that break the schema, which no connector can read."""
    paths = [fault.location.path for fault in faults if fault.location.path[:1] == ("operations",)]
    operations = manifest.document.get("operations")
    if not isinstance(operations, dict) or not paths:
        return manifest, contract
    broken = {path[1] for path in paths if len(path) > 1}
    kept = {name: operation for name, operation in operations.items() if name not in broken}
    promised = {name: operation for name, operation in contract.operations.items() if name not in broken}
    return replace(manifest, document={**manifest.document, "operations": kept}), replace(contract, operations=promised)


def _template_faults(template: ManifestTemplate, manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    path = template.location.path
    operation = contract.operations.get(path[1]) if path[:1] == ("operations",) else None
    yield from structure_faults(template.document, template.location)
    for part in template.parts():
        fault = part.fault()
        if fault:
            yield fault
            continue
        yield from field_references.unknown_names(part, manifest)
        if operation:
            yield from field_references.unknown_request_fields(part, operation)


def _type_faults(manifest: Manifest, contract: Contract) -> Iterator[Refusal]:
    of_strings = connector_lookup.variables_of_strings(manifest)
    for name, mapping in manifest.operations.items():
        operation = contract.operations.get(name)
        if operation and isinstance(mapping, dict) and "answer" in mapping:
            types = TemplateTypes(operation.response.document, of_strings)
            yield from types.faults(mapping["answer"], manifest.location / "operations" / name / "answer")
    for name, mapping in manifest.events.items():
        event = contract.events.get(name)
        if event and isinstance(mapping, dict) and "data" in mapping:
            types = TemplateTypes(event.data.document, of_strings)
            yield from types.faults(mapping["data"], manifest.location / "events" / name / "data")
    called = contract.operations.get(str(manifest.document.get("operation")))
    if called and "request" in manifest.document:
        yield from TemplateTypes(called.request.document, of_strings).faults(
            manifest.document["request"], manifest.location / "request"
        )


def _building_faults(manifest: Manifest, contract: Contract, unresolved: frozenset[str]) -> Iterator[Refusal]:
    """Build what the manifest describes, each operation by itself, since building stops at the first fault."""
    for part in _single_operations(manifest, contract):
        try:
            connector_lookup.build_unchecked(part, contract)
        except Refusal as refusal:
            yield refusal
        except Exception as error:  # an integrator's own class
            if unresolved:
                continue  # it may have read what stands for a secret
            frame = traceback.extract_tb(error.__traceback__)[-1]
            yield (manifest.location / "adapter").refusal(
                f"không tạo được bộ kết nối: {type(error).__name__} ở {frame.filename}:{frame.lineno}; hãy sửa chỗ đó",
                f"the adapter cannot be made: {type(error).__name__} at {frame.filename}:{frame.lineno}; correct it there",
            )


def _single_operations(manifest: Manifest, contract: Contract) -> Iterator[Manifest]:
    """Yield the manifest for each of its operations that the contract has, without the others; as it is where it lists none."""
    if "operations" not in manifest.document:
        yield manifest
    for name, operation in manifest.operations.items():
        if name in contract.operations:
            yield replace(manifest, document={**manifest.document, "operations": {name: operation}})


def _warnings(manifest: Manifest, contract: Contract) -> Iterator[Finding]:
    found = list(templates(manifest))
    for name, mapping in manifest.operations.items():
        operation = contract.operations.get(name)
        if operation and isinstance(mapping, dict):
            location = manifest.location / "operations" / name
            yield from _unused_fields(found, operation, location)
            yield from _unreported_errors(mapping, operation, location)


def _settings_warnings(manifest: Manifest, contract: Contract) -> Iterator[Finding]:
    """Yield what the adapter itself warns about, such as old TLS; it is built for that, and not opened."""
    built = connector_lookup.build_unchecked(manifest, contract)
    for warning in built.warnings() if isinstance(built, Adapter) else ():
        yield Finding("warning", manifest.location, warning)


def _unused_fields(found: list[ManifestTemplate], operation: Operation, location: SourceLocation) -> Iterator[Finding]:
    own = [template for template in found if template.belongs_to(operation.name)]
    parts = [part for template in own for part in template.parts()]
    implicit = set[str]().union(*(template.implicit_fields() for template in own))
    for field in field_references.unused_request_fields(parts, operation):
        if field in implicit:
            continue
        yield Finding(
            "warning",
            location,
            Text(
                f"không biểu thức nào dùng request.{field}, nên hệ thống không bao giờ thấy giá trị này; hãy dùng nó hoặc bỏ khỏi hợp đồng.",
                f"no expression uses request.{field}, so the system never sees it; use it, or remove it from the contract.",
            ),
        )


def _unreported_errors(mapping: Mapping[str, Any], operation: Operation, location: SourceLocation) -> Iterator[Finding]:
    rules = mapping.get("errors", [])
    reported = {rule.get("is") for rule in rules if isinstance(rule, dict)} | {mapping.get("none")}
    for code in operation.errors:
        if code not in reported:
            yield Finding(
                "warning",
                location,
                Text(
                    f"không quy tắc nào trả lỗi {code} của hợp đồng; hãy khai nó ở none hoặc errors.",
                    f"no rule reports the contract's error {code}; name it in none or errors.",
                ),
            )
