"""Where `lgsp login` keeps a session: a file of its user's alone, one for each bus, until it expires or `lgsp logout`."""

import hashlib
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import durable_file


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session: the address of its bus, its token, and until when it counts (seconds since 1970)."""

    url: str
    token: str
    expires: float


def folder() -> Path:
    """Return the folder of the user's sessions (XDG Base Directory Specification: state)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "lgsp" / "sessions"


def save(session: SavedSession) -> Path:
    """Keep a session in the place of the one before.

    Returns:
        The file.

    Raises:
        Refusal: `cannot-start`.
    """
    path = _file(session.url)
    try:
        durable_file.make_folder(path.parent)
        durable_file.write(path, orjson.dumps(asdict(session)))
    except OSError as error:
        raise CannotStart(
            vi=f"Không ghi được phiên đăng nhập vào {path}: {error.strerror}; hãy kiểm tra quyền của thư mục.",
            en=f"Cannot keep the session in {path}: {error.strerror}; check the permissions of the folder.",
        ) from error
    return path


def saved(url: str) -> SavedSession | None:
    """Return the stored session of a bus, expired or not; None where there is none, or none that can be read."""
    try:
        session = SavedSession(**orjson.loads(_file(url).read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError):
        return None
    return session if session.url == url else None


def token_for(url: str) -> str | None:
    """Return the token of the stored session of a bus; None if nobody has signed in.

    Raises:
        Refusal: `token-invalid`, where the session has expired: nobody then acts as somebody else without having said so.
    """
    session = saved(url)
    if session is None:
        return None
    if session.expires <= time.time():
        raise Refusal(
            "token-invalid",
            vi="Phiên đăng nhập đã hết hạn; hãy chạy lgsp login, hoặc lgsp logout để bỏ phiên này.",
            en="The session has expired; run lgsp login, or lgsp logout to be rid of it.",
        )
    return session.token


def forget(url: str) -> None:
    """Remove the session that is kept for a bus, if there is one."""
    path = _file(url)
    if path.exists():
        durable_file.remove(path)


def _file(url: str) -> Path:
    return folder() / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
