"""What an auditor does: `lgsp evidence export | verify | prove | check | keys`. Verifying and checking need no bus."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import Parameter

from lgsp_gateway.cli.bus_client import BusAddress, Client, Who
from lgsp_gateway.evidence import proofs
from lgsp_gateway.evidence.archiving import Archiver, Moved
from lgsp_gateway.evidence.checkpoint import VerifierKey, forged, origin_of
from lgsp_gateway.evidence.proofs import Start
from lgsp_gateway.evidence.shelf import Shelf
from lgsp_gateway.keystore import KeyStore
from lgsp_gateway.local.state_dir import DEFAULT
from lgsp_problems import Refusal
from lgsp_process.nats_connection import Door, connect
from lgsp_process.tls_files import TlsFiles

Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]


def export(folder: Path, /, *, who: Who = Who()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Write all logs to a folder, to be verified anywhere: GATEWAY.jsonl, GATEWAY.checkpoints.json and keys.txt.

    Parameters
    ----------
    folder
        Where; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = _export(who.client(), folder)
    print(f"{len(names)} logs in {folder}: {', '.join(names)}")  # noqa: T201


def verify(
    folder: Path | None = None,
    /,
    *,
    key: Path | None = None,
    archive: str = "",
    begin: Annotated[int, Parameter(name="--from")] = 0,
    end: Annotated[int, Parameter(name="--to")] = 0,
    who: Who = Who(),  # noqa: B008
) -> None:
    """Hold every entry of every log against the signed checkpoints.

    Parameters
    ----------
    folder
        What `lgsp evidence export` wrote; without it, the bus is asked.
    key
        A file of verifier keys that you trust, one a line. Without it the export's own keys.txt is used, which shows that
        nothing was changed since, but not who signed.
    archive
        Where archives lie, to verify those: a folder, or `s3://…`. With an export too, that it goes on where they end.
    begin, end
        Only a part: from the last checkpoint at or before one number of entries to the last at or before another.
    """
    ends = _verify_archives(Shelf(archive), _keys(key) if key else []) if archive else {}
    if archive and folder is None:
        return
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary)
            _export(who.client(), folder, begin, end)
        for trusted in _keys(key or folder / "keys.txt"):
            _verify_one(folder, trusted, ends)


def _verify_one(folder: Path, trusted: VerifierKey, archived: dict[str, int]) -> None:
    name = trusted.name.partition("/")[2]
    part = _json(folder / f"{name}.checkpoints.json")
    start = Start.parse(part.get("start") if isinstance(part, dict) else None)
    if name in archived and start.size > archived[name]:
        raise forged(
            f"thiếu các mục từ {archived[name]} đến {start.size} của {name}",
            f"the entries of {name} from {archived[name]} up to {start.size} are nowhere",
        )
    if not part["items"] and not start.size:
        print(f"{trusted.name}: nothing is covered by a checkpoint yet")  # noqa: T201
        return
    last = proofs.verify(_lines(folder / f"{name}.jsonl"), part["items"] or [start.note], trusted, start)
    where = f"entries {start.size} to {last.size}" if start.size else f"{last.size} entries"
    print(f"{trusted.name}: {where}, {len(part['items'])} checkpoints, whole")  # noqa: T201


def _verify_archives(shelf: Shelf, keys: list[VerifierKey]) -> dict[str, int]:
    """Verify archives one after the other: up to which entry each log is archived."""
    ends: dict[str, int] = {}
    for name in shelf.names():
        trusted = next((key for key in keys if key.name == origin_of(name.gateway)), None)
        if trusted is None:
            raise Refusal(
                "malformed",
                vi=f"Không có khóa của {name.gateway}; hãy thêm --key với tệp từ `lgsp evidence keys`.",
                en=f"There is no key of {name.gateway}; add --key with the file from `lgsp evidence keys`.",
            )
        if name.first != ends.get(name.gateway, 0):
            raise forged(f"kho thiếu phần trước {name}", f"the archive lacks the part before {name}")
        with shelf.taken(name) as archive:
            start, last = archive.verify(trusted)
        if (start.size, last.size) != (name.first, name.end):
            raise forged(f"{name} không chứa đúng phần đó", f"{name} does not hold that part")
        ends[name.gateway] = name.end
        print(f"{name}: entries {name.first} to {name.end}, whole")  # noqa: T201
    return ends


def archive(
    to: Annotated[str, Parameter(name="--to")],
    *,
    older_than: Annotated[str, Parameter(name="--older-than")] = "90d",
    nats: str = "nats://127.0.0.1:4222",
    nats_passwords: Path = DEFAULT / "nats" / "passwords",
    nats_ca: Path | None = None,
    keys: Path = DEFAULT / "keys",
) -> None:
    """Move what is old from the stream into archives that prove themselves. Nothing is deleted before its archive is verified.

    Parameters
    ----------
    to
        Where: a folder, or `s3://BUCKET/PREFIX` with the usual AWS_ variables.
    older_than
        The age from which on, such as 90d, 12h or 30m.
    nats
        Where NATS is.
    nats_passwords
        A folder with the NATS password of the user `archiver`, who alone may delete.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    keys
        The folder of keys of the gateways.
    """
    before = time.time() - _seconds(older_than)
    context = TlsFiles.client(nats_ca).context if nats_ca else None
    door = Door.named(nats, "archiver", nats_passwords / "archiver", context)
    moved = asyncio.run(_archive(door, Shelf(to), KeyStore(keys).log_key(), before))
    for one in moved:
        print(f"{one.name}: {one.name.end - one.name.first} entries archived, verified and deleted from the stream")  # noqa: T201
    if not moved:
        print("nothing is that old")  # noqa: T201


async def _archive(door: Door, shelf: Shelf, seed: bytes, before: float) -> list[Moved]:
    connection = await connect(door, "archiver")
    try:
        return [moved async for moved in Archiver(connection, shelf, seed).run(before)]
    finally:
        await connection.close()


def _seconds(age: str) -> float:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    if not (age[:-1].isdecimal() and age[-1] in units):
        raise Refusal(
            "malformed",
            vi=f"{age} không phải là tuổi; hãy viết như 90d, 12h hoặc 30m.",
            en=f"{age} is no age; write it as 90d, 12h or 30m.",
        )
    return float(int(age[:-1]) * units[age[-1]])


def prove(
    message: str,
    /,
    *,
    output: Output = None,
    who: Who = Who(),  # noqa: B008
) -> None:
    """Write the proof that a message passed: its entry, the path to the root of its log, and the signed root.

    Parameters
    ----------
    message
        The message id, from `Lgsp-Message-Id`.
    output
        The file; stdout without it.
    """
    found = who.client().get(f"/evidence/messages/{message}/proof")
    proof = orjson.dumps(orjson.loads(found), option=orjson.OPT_INDENT_2)
    if output:
        output.write_bytes(proof + b"\n")
    else:
        print(proof.decode())  # noqa: T201


def check(file: Path, /, *, key: str, request: Path | None = None, answer: Path | None = None) -> None:
    """Check a proof, anywhere: no bus is asked.

    Parameters
    ----------
    file
        What `lgsp evidence prove -o` wrote.
    key
        The verifier key of the log, or a file that holds it.
    request, answer
        The caller's own bytes, to be held against the entry.
    """
    keys = _keys(Path(key)) if Path(key).is_file() else [VerifierKey.parse(key)]
    proof = _json(file)
    origin = str(proof.get("checkpoint", "")).partition("\n")[0] if isinstance(proof, dict) else ""
    trusted = next((one for one in keys if one.name == origin), keys[0])
    content = [_read(path) if path else None for path in (request, answer)]
    entry = proofs.check(proof, trusted, *content)
    print(orjson.dumps(entry, option=orjson.OPT_INDENT_2).decode())  # noqa: T201
    print(f"proved: entry {proof['index']} of {trusted.name}")  # noqa: T201


def keys(*, state_dir: Path = DEFAULT, url: Annotated[str, Parameter(env_var="LGSP_URL")] = "") -> None:
    """Print the verifier keys of all logs; hand them over by another way than the evidence.

    Parameters
    ----------
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    """
    address = BusAddress(state_dir, url).resolved()
    print(Client(address, "").get("/evidence/keys").decode(), end="")  # noqa: T201


def _export(client: Client, folder: Path, begin: int = 0, end: int = 0) -> list[str]:
    logs = orjson.loads(client.get("/evidence/logs"))["items"]
    (folder / "keys.txt").write_bytes(client.get("/evidence/keys"))
    for log in logs:
        name, size = log["gateway"], min(log["size"], end or log["size"])
        found = orjson.loads(client.get(f"/evidence/logs/{name}/checkpoints?from={begin}&to={size}"))
        notes = [note for note in found["items"] if int(note.split("\n")[1]) <= size]
        part = {"start": found["start"], "items": notes}
        last = int(notes[-1].split("\n")[1]) if notes else found["start"]["size"]
        (folder / f"{name}.checkpoints.json").write_bytes(orjson.dumps(part, option=orjson.OPT_INDENT_2))
        path = f"/evidence/logs/{name}/entries?from={found['start']['size']}&to={last}"
        (folder / f"{name}.jsonl").write_bytes(client.get(path))
    return [log["gateway"] for log in logs]


def _keys(file: Path) -> list[VerifierKey]:
    found = [VerifierKey.parse(line) for line in _read(file).decode().splitlines() if line.strip()]
    if not found:
        raise Refusal("malformed", vi=f"{file} không có khóa nào.", en=f"{file} holds no key; name the right file.")
    return found


def _json(file: Path) -> Any:
    try:
        return orjson.loads(_read(file))
    except orjson.JSONDecodeError:
        return None


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        for line in lines:
            yield line.removesuffix(b"\n")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(
            "not-found",
            vi=f"Không đọc được {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}; check the path.",
        ) from None
