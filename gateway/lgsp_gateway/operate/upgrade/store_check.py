"""Looks at the store of a bus before another version takes it over: nothing is written, and what would go wrong is said first."""

from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_contracts.contract import Contract
from lgsp_contracts.names import DocumentName
from lgsp_gateway.evidence.read import checkpoint_stream
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.operate.backup import stream_backup
from lgsp_gateway.registry import store
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.nats.stream_reading import read_stream

_BUCKETS = "CERTIFICATES DRAINS ENDPOINTS FILE_RECORDS GROWTH IDEMPOTENCY LIMITS NOTIFICATIONS PEOPLE REGISTRY SESSIONS SUBSCRIPTIONS WATCHES"
_STREAMS = "CHECKPOINTS DEAD EVENTS EVENT_ATTEMPTS EVIDENCE FILES FILE_ACCESS MESSAGES QUOTAS REPLAY SEALS STORED WEBHOOK_ATTEMPTS WORK"
KNOWN_STREAMS = frozenset(
    (*(f"KV_LGSP_{one}" for one in _BUCKETS.split()), *(f"LGSP_{one}" for one in _STREAMS.split()))
)
"""The streams that this version reads. Another one of the bus was made by a later version."""
ON_DEMAND = frozenset({"KV_LGSP_CERTIFICATES"})
"""Made where they are needed only."""


@dataclass(frozen=True, slots=True)
class StoreFindings:
    """What a store is to this version.

    Args:
        contracts, entries: how many contracts are valid, and how many entries the last checkpoints cover.
        invalid_contracts: those that this version does not accept.
        new_streams: that gateways of this version will make.
        later_streams: that a later version made.
    """

    contracts: int
    entries: int
    invalid_contracts: list[DocumentName]
    new_streams: list[str]
    later_streams: list[str]


async def check_store(connection: Client, publics: tuple[bytes, ...]) -> StoreFindings:
    """Read the registry and the last checkpoint of each log, as a gateway of this version would.

    Args:
        publics: the keys of the logs, the newest first.

    Raises:
        Refusal: `cannot-start`, when the store cannot be read by this version; `evidence-forged`, when the keys are not those of its logs;
            `bus-unavailable`.
    """
    names = {name for name in await stream_backup.list_names(connection) if name.startswith(("LGSP_", "KV_LGSP_"))}
    if not {store.STREAM, checkpoint_stream.STREAM} <= names:
        raise CannotStart(
            vi="Không có sổ đăng ký hoặc nhật ký của trục trên các máy chủ NATS này, nên không có gì để nâng cấp; hãy kiểm tra --nats.",
            en="These NATS servers have no registry or no log of a bus, so there is nothing to upgrade; check --nats.",
        )
    valid, invalid = await _contracts(connection)
    return StoreFindings(
        valid,
        await _signed_entries(connection, publics),
        invalid,
        sorted(KNOWN_STREAMS - ON_DEMAND - names),
        sorted(names - KNOWN_STREAMS),
    )


async def _contracts(connection: Client) -> tuple[int, list[DocumentName]]:
    newest = dict[str, DocumentVersion]()
    async for message in read_stream(connection, store.STREAM, store.SUBJECTS + ">", 0):
        kind, _, name = message.subject.removeprefix(store.SUBJECTS).partition(".")
        newest[message.subject] = DocumentVersion(
            kind, DocumentName(name), message.metadata.sequence.stream, message.data
        )
    valid, invalid = 0, list[DocumentName]()
    for version in newest.values():
        try:
            spec = version.spec
            if spec is None or "contract" not in spec:
                continue
            Contract.from_document(spec["contract"], version.name)
            valid += 1
        except Refusal:
            invalid.append(version.name)
        except (ValueError, KeyError, TypeError) as error:
            raise CannotStart(
                vi=f"Phiên bản này không đọc được tài liệu {version.name} ({version.kind}) trong sổ đăng ký; hãy giữ phiên bản đang chạy và báo lỗi này.",
                en=f"This version cannot read the document {version.name} ({version.kind}) of the registry; keep the version that runs, and report this.",
            ) from error
    return valid, sorted(invalid)


async def _signed_entries(connection: Client, publics: tuple[bytes, ...]) -> int:
    entries = 0
    for gateway in await checkpoint_stream.gateways(connection):
        last = await checkpoint_stream.last(connection, gateway)
        if last:
            note = last.record.note
            entries += LogKeys.of_checkpoint(note, publics, gateway).verify(note).size
    return entries
