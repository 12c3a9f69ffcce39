"""What an operator does with a call whose outcome is unknown: `lgsp idempotency show | settle`."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import language, out
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.files import read_json
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Text

_HEADER = "Idempotency-Key"
_MEANING = {
    "begun": Text(
        "chưa biết kết quả; hãy hỏi hệ thống cung cấp, rồi chạy `lgsp idempotency settle`",
        "no result is known; ask the provider, then `lgsp idempotency settle`",
    ),
    "done": Text("đã thực hiện; cùng khóa nhận cùng câu trả lời", "it happened; the same key gets the same answer"),
    "settled": Text("đã thực hiện; không biết câu trả lời", "it happened; its answer is not known"),
    "repeatable": Text(
        "thao tác chỉ đọc: mỗi lần gọi đều được thực hiện, kết quả có trong nhật ký bằng chứng",
        "the operation only reads: each call is carried out, and its outcome is in the evidence",
    ),
}


def show(
    key: str,
    /,
    *,
    system: str,
    officer: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Show what is known of an Idempotency-Key: which call took it, and what came of it.

    Parameters
    ----------
    key
        The key, as its caller sent it.
    system
        The system that called; for a form the form system of the agency, such as forms-h49-12.
    officer
        Who sent the form, as p-…, where it was one.
    """
    path = f"/ops/idempotency-key?{_query(system, officer)}"
    _print(orjson.loads(bus.client().get(path, headers={_HEADER: names.header_value(_HEADER, key)})))


def settle(
    key: str,
    outcome: Literal["happened", "did-not-happen"],
    /,
    *,
    system: str,
    officer: str = "",
    reason: Annotated[str, Parameter(alias="-m")],
    answer: Path | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Say what became of a call whose outcome is unknown. Ask the provider first: the key decides whether it is done again.

    Parameters
    ----------
    key
        The key, as its caller sent it.
    outcome
        `happened`: it is not done again. `did-not-happen`: the key is free, and the same call may be made with it.
    system
        The system that called; for a form the form system of the agency, such as forms-h49-12.
    officer
        Who sent the form, as p-…, where it was one.
    reason
        How you know; it is written into the security log.
    answer
        A JSON file with the answer, where it happened and the provider knows it: the same key then gets that.
    """
    body: dict[str, Any] = {"outcome": outcome, "reason": reason}
    if answer:
        body["answer"] = read_json(answer)
    path = f"/ops/idempotency-key/settle?{_query(system, officer)}"
    known = orjson.loads(bus.client().post(path, orjson.dumps(body), {_HEADER: names.header_value(_HEADER, key)}))
    settled = localized("đã xác định: thông điệp", "settled: message")
    out(f"{settled} {known['message']}, {known['operation']}, {outcome}\n")


def _query(system: str, officer: str) -> str:
    return urlencode({"system": names.system_name(system), **({"officer": officer} if officer else {})})


def _print(known: dict[str, str]) -> None:
    titles = localized("thông điệp|thao tác|từ|trạng thái", "message|operation|since|state")
    values = [known[name] for name in ("message", "operation", "at")]
    meaning = _MEANING[known["state"]].in_language(language())
    for title, value in zip(titles.split("|"), [*values, f"{known['state']}: {meaning}"], strict=True):
        out(f"{title:<11}{value}\n")
