"""The contract document: the requests, responses and errors of a service, and how its data is classified.

`Contract.from_document` checks a document and compiles it; calls are then decided without checking the document again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

from lgsp_contracts import http_binding, message_checks, pointers, strict_json
from lgsp_contracts.asynchronous import Asynchronous, read_asynchronous
from lgsp_contracts.documents import check
from lgsp_contracts.entry import OUTCOMES
from lgsp_contracts.event import Event, read_event
from lgsp_contracts.http_binding import HttpBinding
from lgsp_contracts.names import Major, OperationName, ServiceName, SystemName
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_problems import CODES, ProblemCode, Refusal, Text

Classification = Literal["open", "internal", "personal"]
T = TypeVar("T")

DEFAULT_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Example:
    """A request and its response that are valid under the contract; the sandbox returns exactly this response."""

    request: dict[str, Any]
    response: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call that a service answers.

    Args:
        subject: paths in the request to the number of the person whose data is asked for.
        timeout: in seconds.
        idempotent: a repeated call has the effect of one call.
        key_required: a call needs an Idempotency-Key.
        deduplicated: the provider does nothing twice under one `call.key`.
        http: the binding in the provider's own HTTP style; no gateway serves it yet.
        asynchronous: how it is accepted now and delivered later; None where it may not be.
    """

    name: OperationName
    title: Text
    description: Text | None
    classification: Classification
    subject: tuple[tuple[str, ...], ...]
    timeout: float
    idempotent: bool
    request: Schema
    response: Schema
    errors: Mapping[str, ProblemCode]
    example: Example
    limits: Limits
    answer_limits: Limits
    key_required: bool = False
    deduplicated: bool = False
    http: HttpBinding | None = None
    asynchronous: Asynchronous | None = None

    def check_request(self, body: bytes) -> Any:
        """Parse a request and check it against the contract.

        Raises:
            Refusal: `malformed`, `too-large` or `contract-violation`.
        """
        return message_checks.check_request(self.request, self.limits, body)

    def check_response(self, body: bytes, *, skip_costly_explanation: bool = False) -> Any:
        """Parse the response of an adapter and check it against the contract.

        Args:
            skip_costly_explanation: do not name the broken rules where finding them would take long.

        Raises:
            Refusal: `provider-broke-contract`; its `private` text names the broken rules and contains no value of the response.
        """
        return message_checks.check_answer(
            self.response, self.answer_limits, body, skip_costly_explanation=skip_costly_explanation
        )

    def subject_of(self, request: Any) -> str | None:
        """Find the number of the person whose data a request asks for; None where the contract names no such field."""
        return person_in(request, self.subject)


def person_in(request: Any, paths: Iterable[tuple[str, ...]]) -> str | None:
    """Find the number of a person in a request, at the first of the paths that leads to a string."""
    for path in paths:
        value = pointers.find(request, path)
        if isinstance(value, str):
            return value
    return None


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of a service in one version. `major` is the part of the version that a caller names in the path."""

    service: ServiceName
    version: str
    major: Major
    title: Text
    description: Text | None
    provider: SystemName
    classification: Classification
    listed: bool
    operations: Mapping[str, Operation]
    events: Mapping[str, Event]

    @classmethod
    def from_document(cls, document: Any, where: str | SourceLocation = "contract") -> "Contract":
        """Check and compile a contract document.

        Args:
            document: as parsed from YAML or JSON.
            where: the location to name in a refusal, such as a file name.

        Raises:
            Refusal: `invalid-document`, with each violation's pointer.
        """
        if isinstance(document, Mapping) and document.get("classification") == "secret":
            raise Refusal(
                "invalid-document",
                vi=f"{where}: tài liệu mật không bao giờ được đi qua trục (Nghị định 278/2025, Điều 1); hãy bỏ dịch vụ này.",
                en=f"{where}: secret data must never pass the bus (Decree 278/2025, Article 1); withdraw the service.",
            )
        location = SourceLocation.of(where)
        check("contract", document, location)  # also checks the names against the patterns of `names`
        contract = cls._of(document, location)
        operations, events = dict(contract.operations), dict(contract.events)
        _refuse_equal_bindings(operations, location / "operations")
        return replace(contract, operations=operations, events=events)

    @classmethod
    def stored(cls, document: Any, where: str | SourceLocation = "contract") -> "Contract":
        """Read a contract document that was checked when it was stored; an operation is compiled when it is first used.

        Args:
            document: as `from_document` accepted it.
            where: the location to name in a refusal.

        Raises:
            KeyError, TypeError, ValueError: it was not checked. Reading one of its operations can then raise `Refusal`.
        """
        return cls._of(document, SourceLocation.of(where))

    @classmethod
    def _of(cls, document: Any, where: SourceLocation) -> "Contract":
        default: Classification = document["classification"]
        service, major = ServiceName(document["service"]), Major(int(document["version"].split(".", 1)[0]))

        def operation(name: str, content: Mapping[str, Any]) -> Operation:
            return _operation(OperationName(name), content, default, where / "operations" / name)

        def event(name: str, content: Mapping[str, Any]) -> Event:
            return read_event(name, content, service, major, default, where / "events" / name)

        return cls(
            service=service,
            version=document["version"],
            major=major,
            title=Text(**document["title"]),
            description=_text(document.get("description")),
            provider=SystemName(document["provider"]),
            classification=document["classification"],
            listed=document.get("listed", True),
            operations=_CompiledOnDemand(document.get("operations", {}), operation),
            events=_CompiledOnDemand(document.get("events", {}), event),
        )


class _CompiledOnDemand(Mapping[str, T]):
    """The operations or events of a contract, each compiled when it is first used."""

    def __init__(self, contents: Mapping[str, Any], compile_entry: Callable[[str, Mapping[str, Any]], T]) -> None:
        self._contents = contents
        self._compile_entry = compile_entry
        self._compiled: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        compiled = self._compiled.get(name)
        if compiled is None:
            compiled = self._compiled[name] = self._compile_entry(name, self._contents[name])
        return compiled

    def __contains__(self, name: object) -> bool:
        return name in self._contents

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)


def _operation(
    name: OperationName, content: Mapping[str, Any], default: Classification, where: SourceLocation
) -> Operation:
    errors = content.get("errors", {})
    reserved = sorted(errors.keys() & (CODES.keys() | OUTCOMES))
    if reserved:
        raise Refusal(
            "invalid-document",
            vi=f"{where / 'errors' / reserved[0]}: mã {reserved[0]!r} là mã riêng của trục; hãy chọn tên khác.",
            en=f"{where / 'errors' / reserved[0]}: the code {reserved[0]!r} is reserved by the bus; choose another name.",
        )
    subject, key = content.get("subject", []), content.get("idempotencyKey", {})
    if key and content.get("idempotent", False):
        raise Refusal(
            "invalid-document",
            vi=f"{where / 'idempotencyKey'}: thao tác idempotent không cần khóa; hãy bỏ idempotencyKey, hoặc đặt idempotent: false.",
            en=f"{where / 'idempotencyKey'}: an idempotent operation needs no key; remove idempotencyKey, or set idempotent: false.",
        )
    limits = content.get("limits", {})
    operation = Operation(
        name=name,
        title=Text(**content["title"]),
        description=_text(content.get("description")),
        classification=cast("Classification", content.get("classification", default)),
        subject=tuple(pointers.split(item) for item in ([subject] if isinstance(subject, str) else subject)),
        timeout=_seconds(content["timeout"]) if "timeout" in content else DEFAULT_TIMEOUT,
        idempotent=content.get("idempotent", False),
        request=Schema(content["request"], where / "request"),
        response=Schema(content["response"], where / "response"),
        errors={code: ProblemCode(error["status"], Text(**error["title"])) for code, error in errors.items()},
        example=Example(**content["example"]),
        key_required=key.get("required", False),
        deduplicated=key.get("deduplicated", False),
        limits=replace(strict_json.DEFAULT, **limits),
        answer_limits=_limits_of_answers(limits),
        http=http_binding.read(content["http"], content["request"], content["response"], where / "http")
        if "http" in content
        else None,
        asynchronous=read_asynchronous(content["async"], where / "async") if "async" in content else None,
    )
    for part, schema in (("request", operation.request), ("response", operation.response)):
        violations = schema.violations(getattr(operation.example, part))
        if violations:
            first = violations[0]
            location = (where / "example" / part).at(first.pointer)
            raise Refusal(
                "invalid-document",
                vi=f"{location}: ví dụ {first.message.vi}.",
                en=f"{location}: the example {first.message.en}.",
                violations=violations,
            )
    return operation


def _limits_of_answers(limits: Mapping[str, int]) -> Limits:
    """Return the limits of answers: a contract that lets requests be larger does not make answers smaller."""
    least = strict_json.OF_ANSWERS
    return replace(least, **{**limits, "bytes": max(least.bytes, limits.get("bytes", 0))})


def _refuse_equal_bindings(operations: Mapping[str, Operation], where: SourceLocation) -> None:
    owners: dict[tuple[str, str], str] = {}
    for name, operation in operations.items():
        if operation.http is None:
            continue
        owner = owners.setdefault(operation.http.shape, name)
        if owner != name:
            raise (where / name / "http").refusal(
                f"thao tác {owner} đã có cùng phương thức và đường dẫn; hãy chọn đường dẫn khác",
                f"the operation {owner} has this method and path already; choose another path",
            )


def _text(text: Mapping[str, str] | None) -> Text | None:
    return Text(**text) if text else None


def _seconds(text: str) -> float:
    return int(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])
