"""What of one bus may move to another, and as what: documents alone, never keys, secrets, roles, approvals or state.

Pure: documents of the source and of the target in, documents to write out. A bus is trusted by its own keys and its own people,
so what a test bus has decided counts for nothing on a production bus: a new contract arrives as a draft, a grant as something
that is still to be approved there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lgsp_gateway.cli.registry_output import document_path, phase_of
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.registry.documents import API_VERSION, is_same_json, service_name
from lgsp_gateway.registry.form_systems import agency_of_form_system
from lgsp_problems import NotFound

Document = dict[str, Any]
Key = tuple[str, str]
"""The kind and the name of a document."""

KINDS = ("Agency", "Purpose", "System", "Service", "Grant")
"""The kinds that move, in the order in which they refer to each other."""

OF_ONE_BUS = ("jwks", "secretSha256", "roles")
"""What of a system belongs to one bus: its keys, its secret, and what it may do there."""

MOVING_CONTRACTS = ("draft", "submitted", "published")
MOVING_GRANTS = ("requested", "awaiting-provider", "awaiting-operator", "in-force")


@dataclass(frozen=True, slots=True)
class Step:
    """A document to write to the target.

    Args:
        before: the version that the target has, with its revision; None where it has none.
        after: what is to be written.
    """

    before: Document | None
    after: Document


@dataclass(frozen=True, slots=True)
class Plan:
    """What a promotion does.

    Args:
        steps: in the order in which they are to be written.
        unchanged: how many documents the target has already.
        left_out: the path of each document that does not move, and why.
    """

    steps: tuple[Step, ...]
    unchanged: int
    left_out: tuple[tuple[str, str], ...]


def make_plan(
    source: Iterable[Document], target: Iterable[Document], selected: Collection[Key], new_phase: str
) -> Plan:
    """Compare two buses.

    Args:
        source: all documents of the one that documents come from.
        target: all documents of the one that they go to.
        selected: those that are to move, with what they refer to and the target lacks; all where it is empty.
        new_phase: the phase of contracts that the target does not have.

    Raises:
        Refusal: `not-found`, where the source lacks one that was selected.
    """
    from_source = {_key(document): document for document in source if document["kind"] in KINDS}
    there = {_key(document): document for document in target}
    chosen = _with_references(from_source, there, selected) if selected else list(from_source)
    steps, unchanged, left_out = [], 0, []
    for key in sorted(chosen, key=lambda key: (KINDS.index(key[0]), key[1])):
        document, before = from_source[key], there.get(key)
        why = _why_not(document)
        if why:
            left_out.append((document_path(document), why))
            continue
        after = _for_target(document, before, new_phase)
        if before is not None and is_same_json(before["spec"], after["spec"]):
            unchanged += 1
        else:
            steps.append(Step(before, after))
    return Plan(tuple(steps), unchanged, tuple(left_out))


def _with_references(
    source: Mapping[Key, Document], target: Mapping[Key, Document], selected: Collection[Key]
) -> list[Key]:
    missing = sorted(f"{kind.lower()}/{name}" for kind, name in selected if (kind, name) not in source)
    if missing:
        words = ", ".join(missing)
        raise NotFound(
            vi=f"Nguồn không có {words}; hãy kiểm tra tên.", en=f"The source has no {words}; check the name."
        )
    chosen, waiting = list(selected), list(selected)
    while waiting:
        for key in _references(source[waiting.pop()]):
            if key in source and key not in target and key not in chosen:
                chosen.append(key)
                waiting.append(key)
    return chosen


def _references(document: Document) -> Sequence[Key]:
    spec = document["spec"]
    match document["kind"]:
        case "System":
            return (("Agency", spec["agency"]),)
        case "Service":
            return (("System", spec["contract"]["provider"]),)
        case "Grant":
            consumer = (
                ("Agency", agency_of_form_system(spec["consumer"]))
                if "officers" in spec
                else ("System", spec["consumer"])
            )
            purposes = (("Purpose", code) for code in spec["purposes"])
            return (consumer, ("Service", service_name(spec["service"], spec["major"])), *purposes)
    return ()


def _why_not(document: Document) -> str:
    """Return why a document stays where it is; empty where it moves."""
    kind, spec = document["kind"], document["spec"]
    if kind == "System" and spec.get("roles"):
        return localized("có vai trò; vai trò do trục đích cấp", "has roles, which the target bus assigns itself")
    if kind == "Service" and spec.get("phase", "published") not in MOVING_CONTRACTS:
        return str(spec["phase"])
    if kind == "Grant" and phase_of(document) not in MOVING_GRANTS:
        return phase_of(document)
    return ""


def _for_target(document: Document, before: Document | None, new_phase: str) -> Document:
    kind, spec = document["kind"], document["spec"]
    known: Mapping[str, Any] = before["spec"] if before else {}
    if kind == "System":
        own = {name: known[name] for name in OF_ONE_BUS if name in known}
        spec = {name: value for name, value in spec.items() if name not in OF_ONE_BUS} | own
    elif kind == "Service":
        kept = {name: known[name] for name in ("phase", "deprecation") if name in known}
        spec = {"contract": spec["contract"]} | (kept if before else {"phase": new_phase})
    name = document["metadata"]["name"]
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _key(document: Document) -> Key:
    return document["kind"], document["metadata"]["name"]
