"""What a second party does so that the bus alone cannot rewrite its evidence: `lgsp evidence witness`."""

import base64
import binascii
import secrets
import time
from pathlib import Path

import orjson

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, language, out
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.files import read_bytes
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.evidence.verify.log_keys import LogKeys, find_log_keys
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.restored_origin import original_origin
from lgsp_gateway.evidence.verify.signers import Cosigner
from lgsp_problems import EvidenceForged, Refusal
from lgsp_runtime import durable_file


def witness(
    folder: Path,
    /,
    *,
    name: str,
    every: float = 60,
    once: bool = False,
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Cosign the checkpoints of all logs, each only after it was seen to go on from the one cosigned before.

    Run it on a machine that the operator of the bus does not control. It keeps in its folder what it signed last, so a log that
    was rewritten meanwhile is refused for ever.

    Parameters
    ----------
    folder
        Its key, what it signed last, and `trusted.txt`, the verifier keys of the logs; made on first use, then trusting the keys
        that the bus names, which you should compare with what its operator handed you.
    name
        Who signs, as others know it, such as kiem-toan.quangninh.gov.vn.
    every
        Seconds between two looks.
    once
        Look once, then end.
    """
    durable_file.make_folder(folder)
    cosigner = Cosigner(name, _seed(folder / "witness.key"))
    out(localized(f"khóa kiểm của nhân chứng này: {cosigner.key}\n", f"verifier key of this witness: {cosigner.key}\n"))
    while True:
        try:
            _look(bus.client(), folder, cosigner)
        except EvidenceForged:
            raise
        except Refusal as refusal:
            if once:
                raise
            err(f"lgsp: {refusal.detail.in_language(language())}\n")
        if once:
            return
        time.sleep(every)


def _look(client: BusClient, folder: Path, cosigner: Cosigner) -> None:
    trusted = folder / "trusted.txt"
    if not trusted.exists():
        named = client.get("/evidence/keys")
        if not named:
            return  # nothing has passed yet
        durable_file.write(trusted, named)
    keys = read_keys(trusted)
    for log in orjson.loads(client.get("/evidence/logs"))["items"]:
        gateway, note = names.gateway_name(str(log["gateway"])), str(log["checkpoint"])
        if not note:
            continue
        key = find_log_keys(keys, note)
        if key is None or key.gateway != gateway:
            err(
                localized(
                    f"lgsp: nhật ký {gateway} không có trong {trusted}; hãy thêm khóa của nó để được chứng kiến\n",
                    f"lgsp: the log {gateway} is not in {trusted}; add its key to have it witnessed\n",
                )
            )
            continue
        _refuse_rewritten(client, folder / f"{gateway}.checkpoint", key, gateway, note)
        sealed = cosigner.cosign(note, int(time.time()))
        # Written down before it is given away: after a crash it will not sign another history.
        durable_file.write(folder / f"{gateway}.checkpoint", note.encode())
        client.post(f"/evidence/logs/{gateway}/seals", orjson.dumps({"checkpoint": sealed}))
        size = key.verify(note).size
        out(localized(f"{gateway}: đã đóng dấu {size} mục\n", f"{gateway}: {size} entries sealed\n"))


def _refuse_rewritten(client: BusClient, file: Path, key: LogKeys, gateway: str, note: str) -> None:
    """Refuse a log that does not go on from where it was when it was last sealed.

    Raises:
        Refusal: `evidence-forged`.
    """
    now = key.verify(note)
    if not file.exists():
        return
    before = key.verify(read_bytes(file).decode())
    cited = {one.origin: one.size for one in now.predecessors} | {now.origin: now.size}
    restored = original_origin(now.origin) == original_origin(before.origin) and now.origin != before.origin
    if restored and cited.get(before.origin, before.size) < before.size:
        kept = cited[before.origin]
        raise evidence_forged(
            f"trục đã được khôi phục và nhật ký {gateway} chỉ còn {kept} trong {before.size} mục đã thấy: các mục từ {kept} đến {before.size - 1} đã mất; hãy giữ {file} cho kiểm toán viên, chuyển nó đi nơi khác để chứng kiến tiếp",
            f"the bus was restored, and of {before.size} entries of the log {gateway} that were seen {kept} are left: those from {kept} to {before.size - 1} are lost; keep {file} for the auditors, and move it away to go on witnessing",
        )
    if cited.get(before.origin, -1) < before.size:
        raise evidence_forged(
            f"nhật ký {gateway} mang tên {now.origin} mà không dẫn bản chốt cuối dưới tên {before.origin}",
            f"the log {gateway} is called {now.origin} and does not cite where it ended as {before.origin}",
        )
    path: list[bytes] = []
    if before.size < now.size and before.size:
        proof = orjson.loads(client.get(f"/evidence/logs/{gateway}/consistency?from={before.size}&to={now.size}"))
        try:
            path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        except (KeyError, TypeError, binascii.Error):
            path = []
    if before.size and not merkle.verify_consistency(before.root, before.size, now.root, now.size, path):
        raise evidence_forged(
            f"nhật ký {gateway} không nối tiếp bản chốt {before.size} mục đã thấy trước đây",
            f"the log {gateway} does not go on from the {before.size} entries that were seen before",
        )


def _seed(file: Path) -> bytes:
    content = durable_file.ensure(file, lambda: secrets.token_bytes(32).hex().encode())
    try:
        return bytes.fromhex(content.decode())
    except ValueError as error:
        raise Refusal(
            "malformed",
            vi=f"{file} không phải khóa của nhân chứng; hãy khôi phục từ bản sao.",
            en=f"{file} is no key of a witness; restore it from a copy.",
        ) from error
