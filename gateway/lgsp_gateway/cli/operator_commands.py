"""`lgsp operators invite | show`: operators whom the owner of a gateway's machine invites, beside the keys of the bus.

They ask no gateway over the network: whoever can write beside the keys is root there, or the user of the gateways.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_contracts.cli.terminal import language, out
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate.bootstrap import invitation_file
from lgsp_gateway.operate.bootstrap.invitation_file import Invitation
from lgsp_problems import CannotStart, NotFound, Text

ANSWER_SECONDS = 15.0
"""How long the gateway of this machine may take to answer; it looks every second."""
_LOOK_SECONDS = 0.1


def invite(
    operators: Annotated[tuple[str, ...], Parameter(negative="")],
    /,
    *,
    reason: str,
    keys: Path | None = None,
    state_dir: StateFolder = DEFAULT,
) -> None:
    """Invite operators from the machine of a gateway, as root: where nobody can sign in as an operator any more.

    They stand in the registry and in the evidence, and all operators are told. Where any operator can sign in, they may stop it for a day; then
    it takes effect. Two persons take two invitations.

    Parameters
    ----------
    operators
        USER=AGENCY=NAME each.
    reason
        Why; everybody is told.
    keys
        The folder of keys of the gateway on this machine.
    state_dir
        The folder of a local bus, whose keys count otherwise.
    """
    folder = _folder(keys, state_dir)
    if not reason.strip():
        raise CannotStart(vi="Hãy nêu lý do bằng --reason.", en="Say why with --reason.")
    file = Invitation.new(list(operators), reason.strip()).write_new(folder)
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        answered = [one for one in invitation_file.read_all(folder) if one.file == file and one.state != "new"]
        # one that waits for nobody is carried out at once
        if answered and (answered[0].is_settled or answered[0].due > time.time() + _LOOK_SECONDS):
            _print(answered)
            return
        time.sleep(_LOOK_SECONDS)
    out(
        localized(
            "Đã ghi lời mời, nhưng gateway trên máy này chưa trả lời; khi nó chạy, hãy dùng lgsp operators show.\n",
            "The invitation is written, but the gateway of this machine has not answered; once it runs, use lgsp operators show.\n",
        )
    )


def show(*, keys: Path | None = None, state_dir: StateFolder = DEFAULT) -> None:
    """Show the invitations of this machine, and the links of those that took effect; what is settled is shown once.

    Parameters
    ----------
    keys
        The folder of keys of the gateway on this machine.
    state_dir
        The folder of a local bus, whose keys count otherwise.
    """
    found = invitation_file.read_all(_folder(keys, state_dir))
    if not found:
        raise NotFound(
            vi="Trên máy này không có lời mời nào; hãy mời bằng lgsp operators invite.",
            en="There is no invitation on this machine; make one with lgsp operators invite.",
        )
    until = time.monotonic() + ANSWER_SECONDS
    while any(_is_at_work(one) for one in found) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = invitation_file.read_all(_folder(keys, state_dir))
    _print(found)


def _is_at_work(invitation: Invitation) -> bool:
    """Tell whether a gateway is about to carry an invitation out: it took it, and nobody is waited for."""
    return invitation.state == "waiting" and invitation.due <= time.time()


def _print(invitations: Iterable[Invitation]) -> None:
    for invitation in invitations:
        _print_one(invitation)
        if invitation.is_settled:
            invitation_file.remove(invitation)


def _print_one(invitation: Invitation) -> None:
    people = ", ".join(f"{one.user} ({one.agency}, {one.person})" for one in invitation.operators)
    if invitation.state == "invited":
        out(
            localized(
                "Gửi riêng cho từng người liên kết dùng một lần để chọn mật khẩu (trong 3 ngày; chỉ hiển thị một lần này):\n",
                "Give each of them, and nobody else, this link, by which they choose a password once (within 3 days; it is shown this once):\n",
            )
        )
        for one in invitation.operators:
            out(f"    {one.name} <{one.user}>, {one.agency}, {one.person}\n    {one.link}\n")
        return
    if _is_at_work(invitation):
        out(
            localized(
                f"Gateway đang tạo tài khoản; vài giây nữa hãy chạy lại lệnh này: {people}\n",
                f"A gateway is making the accounts; run this again in some seconds: {people}\n",
            )
        )
        return
    texts = {
        "new": Text(
            f"Chờ gateway trên máy này khởi động: {people}", f"Waits for the gateway of this machine to start: {people}"
        ),
        "waiting": Text(
            f"Chờ đến {iso_time(invitation.due)}, vì trục có người vận hành đăng nhập được và họ có thể chặn việc này: {people}",
            f"Waits until {iso_time(invitation.due)}, since there are operators who can sign in, and who may stop it: {people}",
        ),
        "stopped": Text(
            f"Một người vận hành đã chặn lời mời này: {people}", f"An operator has stopped this invitation: {people}"
        ),
        "refused": Text(*invitation.detail),
    }
    out(f"{texts[invitation.state].in_language(language())}\n")


def _folder(keys: Path | None, state_dir: Path) -> Path:
    folder = keys or StateDir(state_dir).keys
    if not folder.is_dir():
        raise NotFound(
            vi=f"Không có thư mục khóa {folder}; hãy chạy lệnh này trên máy của gateway và nêu --keys.",
            en=f"There is no folder of keys {folder}; run this on the machine of a gateway, and name it with --keys.",
        )
    return folder
