"""Invitations of operators, as whoever owns a gateway's machine writes them: files beside the keys of the bus.

A file, and no route and no subject of NATS: who can write it has the keys already, and nobody has it who only reaches the gateway over
the network. The gateway of the machine answers in the same file what became of it.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from lgsp_contracts import names
from lgsp_gateway.registry.persons import is_person_id, new_person_id
from lgsp_gateway.sessions.local_users.user_store import read_name
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import durable_file

FOLDER = "invitations"
"""Below the folder of keys."""

MAX_NAME = 200
"""Characters of what a person is called."""

State = Literal["new", "waiting", "invited", "stopped", "refused"]


@dataclass(frozen=True, slots=True)
class Invited:
    """An operator who is invited.

    Args:
        user: what they type to sign in.
        agency: that they act for.
        name: what they are called; kept where it can be forgotten.
        person: their opaque id.
        account: the id of their local user.
        link: by which they choose a password, once they are invited.
    """

    user: str
    agency: str
    name: str
    person: str
    account: str
    link: str = ""

    @classmethod
    def parse(cls, text: str) -> "Invited":
        """Read `USER=AGENCY=NAME`, as commands take it, and give them an id.

        Raises:
            Refusal: `malformed` or `cannot-start`.
        """
        user, _, rest = text.partition("=")
        agency, _, name = rest.partition("=")
        if not agency or not name.strip() or len(name) > MAX_NAME:
            raise CannotStart(
                vi=f"“{text[:80]}” không nêu đủ một người vận hành; hãy viết TÊN_ĐĂNG_NHẬP=MÃ_CƠ_QUAN=HỌ_TÊN, ví dụ tran.thi.b=H49.12=Trần Thị B.",
                en=f'"{text[:80]}" names no operator; write USER=AGENCY=NAME, such as tran.thi.b=H49.12=Trần Thị B.',
            )
        made = cls(read_name(user), names.agency_code(agency), name.strip(), new_person_id(), "")
        return replace(made, account=f"u-{secrets.token_hex(16)}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation of one or several operators.

    Args:
        reason: of the recovery, which everybody is told.
        state: `waiting`: other operators may stop it until `due`; `stopped`: they did; `refused`: see `detail`.
        due: when it takes effect, in seconds since 1970.
        detail: why it is refused, in Vietnamese and English.
    """

    operators: tuple[Invited, ...]
    reason: str
    state: State = "new"
    due: float = 0.0
    detail: tuple[str, str] = ("", "")
    file: Path = field(default=Path(), compare=False)

    @classmethod
    def new(cls, operators: list[str], reason: str) -> "Invitation":
        """Make one of what a command was given.

        Raises:
            Refusal: `cannot-start` or `malformed`.
        """
        invited = tuple(Invited.parse(text) for text in operators)
        if not invited or len({one.user for one in invited}) < len(invited):
            raise CannotStart(
                vi="Hãy nêu mỗi người vận hành một lần, với một tên đăng nhập riêng.",
                en="Name each operator once, with a user name of their own.",
            )
        return cls(invited, reason)

    def write_new(self, keys: Path) -> Path:
        """Write it beside the keys, for the gateway of this machine, and return its file.

        Raises:
            Refusal: `cannot-start`, where the folder cannot be written.
        """
        file = keys / FOLDER / f"{secrets.token_hex(8)}.json"
        try:
            with _as_owner_of(keys):
                durable_file.make_folder(file.parent)
                durable_file.write(file, self._content())
        except OSError as error:
            raise _unwritable(keys, error) from error
        return file

    def save(self, **changes: Any) -> "Invitation":
        """Keep what became of it, in its file."""
        changed = replace(self, **changes)
        durable_file.write(self.file, changed._content())
        return changed

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to do about it."""
        return self.state in ("invited", "stopped", "refused")

    def _content(self) -> bytes:
        document = {name: value for name, value in asdict(self).items() if name != "file"}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def read_all(keys: Path) -> list[Invitation]:
    """Read the invitations beside the keys, oldest first; without files that are none."""
    found = []
    for file in sorted((keys / FOLDER).glob("*.json"), key=_age):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, Refusal):
            found.append(_read(file))
    return found


def remove(invitation: Invitation) -> None:
    """Delete an invitation's file: what it says has been read."""
    durable_file.remove(invitation.file)


@contextlib.contextmanager
def locked(keys: Path) -> Iterator[bool]:
    """Keep the other gateways of this machine from the invitations; tell whether that could be."""
    folder = keys / FOLDER
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # there are none
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _as_owner_of(keys: Path) -> Iterator[None]:
    """Act as the user of the gateways where root runs this: a link that this user has left there leads root to nothing that it may not write itself."""
    if os.geteuid() != 0:
        yield
        return
    owner, group, groups = keys.stat(), os.getegid(), os.getgroups()
    os.setgroups([owner.st_gid])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _read(file: Path) -> Invitation:
    document = orjson.loads(file.read_bytes())
    operators = tuple(Invited(**one) for one in document["operators"])
    if not all(is_person_id(one.person) and re.fullmatch("u-[0-9a-f]{32}", one.account) for one in operators):
        raise ValueError("ids")
    for one in operators:
        read_name(one.user)
        names.agency_code(one.agency)
    return Invitation(**{**document, "operators": operators, "detail": tuple(document["detail"]), "file": file})


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0


def _unwritable(keys: Path, error: OSError) -> Refusal:
    return CannotStart(
        vi=f"Không ghi được vào thư mục khóa {keys}: {error.strerror}; hãy chạy lệnh này trên máy của gateway, với quyền root.",
        en=f"Cannot write into the folder of keys {keys}: {error.strerror}; run this on the machine of a gateway, as root.",
    )
