"""Which issuers people sign in with, from the file of `--issuers`.

issuers:
  - issuer: https://id.quangninh.gov.vn
    audience: lgsp
    algorithms: [RS256]
    signIn: {client: lgsp-cli, scopes: [openid]}
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nats.aio.client import Client

from lgsp_auth.id_token import SignInIssuer
from lgsp_auth.trusted_issuer import Issuer
from lgsp_contracts import documents
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint


class People(NamedTuple):
    """What people sign in with: the issuers that know them, what the bus keeps of them, and the keys that issuers removed."""

    issuers: Sequence[SignInIssuer]
    store: PeopleStore
    removed_keys: RemovedKeys


async def open_people(
    settings: GatewaySettings,
    connection: Client,
    eraser: Callable[[], NatsEndpoint],
    known: Sequence[Issuer],
    removed_keys: RemovedKeys,
) -> People:
    """Open what is kept of people, and read who they sign in with.

    Args:
        eraser: as `PeopleStore` takes it.
        known: the issuers of the file that the settings name, with their keys.
        removed_keys: watches the keys of these issuers.

    Raises:
        Refusal: `cannot-start` or `invalid-document`.
    """
    store = PeopleStore(eraser)
    await store.start(connection, settings.replicas)
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
    sign_in_issuers = []
    for number, entry in enumerate(document["issuers"]):
        if "signIn" not in entry:
            continue
        client = entry["signIn"]["client"]
        if client == entry["audience"]:
            raise Refusal(
                "invalid-document",
                vi=f"{where}/issuers/{number}/signIn/client: phải khác audience, nếu không mã định danh của người dùng sẽ được nhận như mã truy cập; hãy đăng ký một client riêng cho lgsp login.",
                en=f"{where}/issuers/{number}/signIn/client: must differ from audience, or people's ID tokens would count as access tokens; register a client of its own for lgsp login.",
            )
        scopes = tuple(entry["signIn"].get("scopes", ("openid",)))
        sign_in_issuers.append(SignInIssuer(known[entry["issuer"]], client, scopes))
    return sign_in_issuers
