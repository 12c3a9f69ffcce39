"""What an auditor does: `lgsp evidence export | verify | prove | check | keys`. Verifying and checking need no bus."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import Parameter

from lgsp_gateway.cli.bus_client import BusAddress, Client, Who
from lgsp_gateway.evidence import proofs
from lgsp_gateway.evidence.checkpoint import VerifierKey
from lgsp_gateway.local.state_dir import DEFAULT
from lgsp_problems import Refusal

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
    """
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary)
            _export(who.client(), folder)
        for trusted in _keys(key or folder / "keys.txt"):
            name = trusted.name.partition("/")[2]
            notes = orjson.loads(_read(folder / f"{name}.checkpoints.json"))
            last = proofs.verify(_lines(folder / f"{name}.jsonl"), notes, trusted)
            print(f"{trusted.name}: {last.size} entries, {len(notes)} checkpoints, whole")  # noqa: T201


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


def _export(client: Client, folder: Path) -> list[str]:
    logs = orjson.loads(client.get("/evidence/logs"))["items"]
    (folder / "keys.txt").write_bytes(client.get("/evidence/keys"))
    for log in logs:
        name, size = log["gateway"], log["size"]
        notes = orjson.loads(client.get(f"/evidence/logs/{name}/checkpoints"))["items"]
        covered = [note for note in notes if int(note.split("\n")[1]) <= size]
        (folder / f"{name}.checkpoints.json").write_bytes(orjson.dumps(covered, option=orjson.OPT_INDENT_2))
        (folder / f"{name}.jsonl").write_bytes(client.get(f"/evidence/logs/{name}/entries?to={size}"))
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
