"""What operators do with local users, who sign in with a password of the bus: `lgsp user create | reset | end | list`."""

import orjson

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.sessions.local_users.user_store import read_name


def create(user: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Make a local user, and print the link by which they choose a password, and the code of their account.

    Parameters
    ----------
    user
        What they type to sign in.
    """
    name, client = read_name(user), bus.client()
    _show(client, client.post("/users", orjson.dumps({"user": name}), _JSON))


def reset(user: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Give a local user a new account and a new link; their person is linked to the new account afterwards (lgsp person link).

    Parameters
    ----------
    user
        What they type to sign in.
    """
    name, client = read_name(user), bus.client()
    _show(client, client.post(f"/users/{name}/reset", b""))


def end(user: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Forget a local user; end their person too (lgsp person end).

    Parameters
    ----------
    user
        What they type to sign in.
    """
    name = read_name(user)
    bus.client().delete(f"/users/{name}")
    out(localized(f"Đã xóa người dùng {name}\n", f"The user {name} is forgotten\n"))


def list_users(*, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """List the names of local users."""
    for one in orjson.loads(bus.client().get("/users"))["items"]:
        out(f"{one['user']}\n")


_JSON = {"Content-Type": "application/json"}


def _show(client: BusClient, answer: bytes) -> None:
    made = orjson.loads(answer)
    link, account, expires = made["link"], made["account"], made["expires"]
    out(
        localized(
            f"Gửi riêng cho người đó liên kết dùng một lần để chọn mật khẩu (đến {expires}):\n{link}\n\n"
            f"Mã tài khoản: {account}\nĐăng ký: lgsp person create --issuer {client.url} --agency … --role … --account {account}\n"
            f"Nếu họ đã được đăng ký: lgsp person link p-… --account {account}\n",
            f"Give them, and nobody else, this link, by which they choose a password once (until {expires}):\n{link}\n\n"
            f"Account code: {account}\nRegister them: lgsp person create --issuer {client.url} --agency … --role … --account {account}\n"
            f"If they are registered already: lgsp person link p-… --account {account}\n",
        )
    )
