"""What an auditor does with whole logs: `lgsp evidence export | verify`. Verifying what was exported needs no bus."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import out
from lgsp_contracts.names import GatewayName
from lgsp_gateway.cli import times
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.files import iterate_lines, read_json
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.verify.checkpoint import unverified_size
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.log_part import PartStart, verify_log_part
from lgsp_gateway.evidence.verify.origins import gateway_of
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import NotFound, Refusal


def export(folder: Path, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Write all logs to a folder, to be verified anywhere: GATEWAY.jsonl, GATEWAY.checkpoints.json and keys.txt.

    Parameters
    ----------
    folder
        Where; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exported = _export(bus.client(), folder)
    names_of_logs = ", ".join(exported)
    out(
        localized(
            f"{len(exported)} nhật ký trong {folder}: {names_of_logs}\n",
            f"{len(exported)} logs in {folder}: {names_of_logs}\n",
        )
    )


def verify(
    folder: Path | None = None,
    /,
    *,
    key: Path | None = None,
    witness: Path | None = None,
    archive: str = "",
    begin: Annotated[int, Parameter(name="--from")] = 0,
    end: Annotated[int, Parameter(name="--to")] = 0,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Hold every entry of every log against the signed checkpoints.

    Parameters
    ----------
    folder
        What `lgsp evidence export` wrote; without it, the bus is asked.
    key
        A file of verifier keys that you trust, one a line. Without it the export's own keys.txt is used, which shows that
        nothing was changed since, but not who signed.
    witness
        A file of verifier keys of witnesses: each must have sealed each log.
    archive
        Where archives lie, to verify those: a folder, or `s3://…`. With an export too, that it goes on where they end.
    begin
        Verify only a part, from the last checkpoint at or before this number of entries.
    end
        Verify only a part, up to the last checkpoint at or before this number of entries.
    """
    ends = _verify_archives(ArchiveStore(archive), read_keys(key) if key else []) if archive else {}
    if archive and folder is None:
        return
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary)
            _export(bus.client(), folder, begin, end)
        if key is None and _is_empty_export(folder):
            raise NotFound(
                vi="Chưa có bằng chứng nào nên chưa kiểm tra gì; hãy chạy lại sau khi có lời gọi đầu tiên qua trục.",
                en="There is no evidence yet, so nothing was verified; run this again after the first call through the bus.",
            )
        keys = read_keys(key or folder / "keys.txt")
        for gateway in sorted({gateway_of(one.name) for one in keys}):
            _verify_one(folder, gateway, keys, ends, read_keys(witness) if witness else [])


def _is_empty_export(folder: Path) -> bool:
    """Tell whether a folder is the export of a bus without any log, which has no key either."""
    keys = folder / "keys.txt"
    return keys.is_file() and not keys.read_bytes().strip() and not any(folder.glob("*.checkpoints.json"))


def _verify_one(
    folder: Path,
    name: GatewayName,
    keys: Sequence[VerifierKey],
    archived: dict[str, int],
    witnesses: Sequence[VerifierKey],
) -> None:
    part = read_json(folder / f"{name}.checkpoints.json")
    start = PartStart.parse(part.get("start") if isinstance(part, dict) else None)
    if name in archived and start.size > archived[name]:
        raise evidence_forged(
            f"thiếu các mục từ {archived[name]} đến {start.size} của {name}",
            f"the entries of {name} from {archived[name]} up to {start.size} are nowhere",
        )
    if not part["items"] and not start.size:
        out(localized(f"{name}: chưa có bản chốt nào\n", f"{name}: nothing is covered by a checkpoint yet\n"))
        return
    sealed = [
        cosignature
        for cosignature in _seals(folder / f"{name}.seals.json")
        if start.size < unverified_size(cosignature.note)
    ]
    notes = part["items"] or [start.note]
    trusted = _keys_of(keys, name, notes)
    within = [
        cosignature.note
        for cosignature in sealed
        if unverified_size(cosignature.note) <= max(map(unverified_size, notes))
    ]
    last = verify_log_part(iterate_lines(folder / f"{name}.jsonl"), [*notes, *within], trusted, start)
    where = (
        localized(f"các mục {start.size} đến {last.size}", f"entries {start.size} to {last.size}")
        if start.size
        else localized(f"{last.size} mục", f"{last.size} entries")
    )
    whole = localized(f"{len(part['items'])} bản chốt, nguyên vẹn", f"{len(part['items'])} checkpoints, whole")
    out(f"{last.origin}: {where}, {whole}\n")
    for one in witnesses:
        note = next(
            (cosignature.note for cosignature in sealed if cosignature.by == one.name and cosignature.note in within),
            "",
        )
        when = times.in_seconds(one.cosigned_at(note))
        out(
            localized(
                f"{last.origin}: {unverified_size(note)} mục được {one.name} đóng dấu lúc {when}\n",
                f"{last.origin}: {unverified_size(note)} entries sealed by {one.name} on {when}\n",
            )
        )


def _keys_of(keys: Sequence[VerifierKey], gateway: GatewayName, notes: Sequence[str]) -> LogKeys:
    """Return the keys of the log of a gateway, among those that are trusted.

    Raises:
        Refusal: `malformed`, when there is none of that gateway; `evidence-forged`, when another log is shown as its log.
    """
    logs = [log for log in LogKeys.group(keys) if log.gateway == gateway]
    if not logs:
        raise Refusal(
            "malformed",
            vi=f"Không có khóa của {gateway}; hãy thêm --key với tệp từ `lgsp evidence keys`.",
            en=f"There is no key of {gateway}; add --key with the file from `lgsp evidence keys`.",
        )
    return next((log for log in logs if any(map(log.matches, notes))), logs[0])


def _seals(file: Path) -> list[Cosignature]:
    try:
        return [Cosignature.parse(one) for one in read_json(file)["items"]] if file.exists() else []
    except (KeyError, TypeError, ValueError) as error:
        raise evidence_forged(f"{file.name} bị hỏng", f"{file.name} is broken") from error


def _verify_archives(archives: ArchiveStore, keys: list[VerifierKey]) -> dict[str, int]:
    """Verify archives one after the other: up to which entry each log is archived."""
    ends: dict[str, int] = {}
    roots: dict[str, bytes] = {}
    for name in archives.names():
        end = ends.get(name.gateway, 0)
        if name.first > end:
            raise evidence_forged(f"kho thiếu phần trước {name}", f"the archive lacks the part before {name}")
        with archives.fetch(name) as archive:
            trusted = _keys_of(keys, name.gateway, archive.description()[2])
            start, last = archive.verify(trusted)
        if start.size and start.size == end and start.tree(trusted).root() != roots[name.gateway]:
            raise evidence_forged(
                f"{name} không nối tiếp phần trước nó", f"{name} does not go on from the part before it"
            )
        if last.size > end:  # a part may lie within a longer one, where the archiver was killed between them
            ends[name.gateway], roots[name.gateway] = last.size, last.root
        out(
            localized(
                f"{name}: các mục {name.first} đến {name.end}, nguyên vẹn\n",
                f"{name}: entries {name.first} to {name.end}, whole\n",
            )
        )
    if not ends:
        raise NotFound(
            vi=f"Không có kho lưu nào ở {archives.address}, nên chưa kiểm tra gì; hãy kiểm tra địa chỉ.",
            en=f"There are no archives at {archives.address}, so nothing was verified; check the address.",
        )
    return ends


def _export(client: BusClient, folder: Path, begin: int = 0, end: int = 0) -> list[GatewayName]:
    # The bus is what is examined: it names no file outside of the folder.
    logs = [(names.gateway_name(name), size) for name, size in _logs(client)]
    (folder / "keys.txt").write_bytes(client.get("/evidence/keys"))
    for name, whole in logs:
        size = min(whole, end or whole)
        response = orjson.loads(client.get(f"/evidence/logs/{name}/checkpoints?from={begin}&to={size}"))
        notes = [note for note in response["items"] if unverified_size(note) <= size]
        part = {"start": response["start"], "items": notes}
        last = unverified_size(notes[-1]) if notes else response["start"]["size"]
        (folder / f"{name}.checkpoints.json").write_bytes(orjson.dumps(part, option=orjson.OPT_INDENT_2))
        (folder / f"{name}.seals.json").write_bytes(client.get(f"/evidence/logs/{name}/seals"))
        path = f"/evidence/logs/{name}/entries?from={response['start']['size']}&to={last}"
        (folder / f"{name}.jsonl").write_bytes(client.get(path))
    return [name for name, _ in logs]


def _logs(client: BusClient) -> list[tuple[str, int]]:
    """Return the logs of a bus and their sizes, as the bus reports them.

    Raises:
        Refusal: `malformed`, when its answer is none.
    """
    try:
        items = orjson.loads(client.get("/evidence/logs"))["items"]
        logs = [(log["gateway"], log["size"]) for log in items]
        if not all(isinstance(name, str) and isinstance(size, int) for name, size in logs):
            raise TypeError("no list of logs")
        return logs
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            "malformed",
            vi="Trục không trả lời danh sách nhật ký; hãy kiểm tra địa chỉ.",
            en="The bus did not answer with its logs; check the address.",
        ) from error
