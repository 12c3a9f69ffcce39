"""Which issuers people sign in with, from the file of `--issuers`.

issuers:
  - issuer: https://id.quangninh.gov.vn
    audience: lgsp
    algorithms: [RS256]
    signIn: {client: lgsp-cli, scopes: [openid], console: {client: lgsp-console, secretFile: /etc/lgsp/console-secret}}
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nats.aio.client import Client

from lgsp_auth.id_token import SignInIssuer
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts import documents
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.sessions.issuer_redirects import callback_name
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.connection import NatsEndpoint


class People(NamedTuple):
    """What people sign in with: the issuers that know them, what the bus keeps of them, and the keys that issuers removed.

    An issuer of citizens is offered to citizens alone, and one of staff to staff, unless it says that it is for both.
    """

    issuers: Sequence[SignInIssuer]
    store: PeopleStore
    removed_keys: RemovedKeys

    @property
    def issuers_of_staff(self) -> list[SignInIssuer]:
        """Return the issuers that those sign in with who work with the bus."""
        return [one for one in self.issuers if one.staff]

    @property
    def issuers_of_citizens(self) -> list[SignInIssuer]:
        """Return the issuers that citizens sign in with."""
        return [one for one in self.issuers if one.citizens]


async def open_people(
    settings: GatewaySettings,
    connection: Client,
    eraser: Callable[[], NatsEndpoint],
    known: Sequence[Issuer],
    removed_keys: RemovedKeys,
    background: Background,
) -> People:
    """Open what is kept of people, and read who they sign in with.

    Args:
        eraser: as `PeopleStore` takes it.
        known: the issuers of the file that the settings name, with their keys.
        removed_keys: watches the keys of these issuers.

    Raises:
        Refusal: `cannot-start`, `bus-unavailable` or `invalid-document`.
    """
    store = PeopleStore(eraser)
    await store.start(connection, settings.replicas)
    await store.sessions.follow_ends(connection, background)
    return People(load_sign_in(settings.issuers, {issuer.name: issuer for issuer in known}), store, removed_keys)


def load_sign_in(path: Path | None, known: Mapping[str, Issuer]) -> list[SignInIssuer]:
    """Load the issuers of a file that people sign in with.

    Args:
        path: a file that keeps the schema of issuers (`keys.trusted_issuers.load_trusted_issuers`); None for none.
        known: the issuers of the file, by name, with their keys.

    Raises:
        Refusal: `invalid-document`.
    """
    if path is None:
        return []
    where, document = documents.read_first(path)
    sign_in_issuers: list[SignInIssuer] = []
    names: dict[str, str] = {}
    for number, entry in enumerate(document["issuers"]):
        if "signIn" not in entry:
            continue
        location, name = f"{where}/issuers/{number}/signIn", entry["issuer"]
        if (other := names.setdefault(callback_name(name), name)) != name:
            raise Refusal(
                "invalid-document",
                vi=f"{location}: địa chỉ nhận trả lời trùng với địa chỉ của {other}; hãy bỏ một trong hai bên cấp.",
                en=f"{location}: its callback address would be that of {other}; leave out one of the two issuers.",
            )
        sign_in_issuers.append(_parse_sign_in(entry, known[name], location))
    return sign_in_issuers


def _parse_sign_in(entry: Mapping[str, Any], issuer: Issuer, location: str) -> SignInIssuer:
    settings = entry["signIn"]
    console = settings.get("console", {"client": settings["client"]})
    for path, client in (("client", settings["client"]), ("console/client", console["client"])):
        if client == entry["audience"]:
            raise Refusal(
                "invalid-document",
                vi=f"{location}/{path}: phải khác audience, nếu không mã định danh của người dùng sẽ được nhận như mã truy cập; hãy đăng ký một client riêng.",
                en=f"{location}/{path}: must differ from audience, or people's ID tokens would count as access tokens; register a client of its own.",
            )
    names_citizens = bool(issuer.person_claim) and issuer.person_kind == "citizen"
    doors = settings.get("for", ["citizens"] if names_citizens else ["staff"])
    if "citizens" in doors and not names_citizens:
        raise Refusal(
            "invalid-document",
            vi=f"{location}/for: bên cấp dành cho công dân phải có people với kind là citizen để biết số định danh; hãy thêm people hoặc bỏ citizens.",
            en=f"{location}/for: an issuer for citizens needs people of the kind citizen, which tells their personal number; add people, or leave out citizens.",
        )
    return SignInIssuer(
        issuer,
        settings["client"],
        tuple(settings.get("scopes", ("openid",))),
        console["client"],
        _read_secret(console.get("secretFile", ""), location),
        settings.get("title", {}),
        staff="staff" in doors,
        citizens="citizens" in doors,
    )


def _read_secret(file: str, location: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, ValueError) as error:
        raise Refusal(
            "invalid-document",
            vi=f"{location}/console/secretFile: không đọc được tệp {file}; hãy kiểm tra đường dẫn và quyền đọc.",
            en=f"{location}/console/secretFile: the file {file} cannot be read; check its path and permissions.",
        ) from error
