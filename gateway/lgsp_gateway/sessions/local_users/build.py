"""Opens what local users sign in by, of a gateway's parts."""

from urllib.parse import urlsplit

from lgsp_auth.one_time import ReplayGuard
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.sessions.local_users.attempt_limiter import AttemptLimiter
from lgsp_gateway.sessions.local_users.local_sign_in import LocalParts, LocalSignIn
from lgsp_gateway.sessions.local_users.passkeys import Passkeys
from lgsp_gateway.sessions.local_users.passwords import Passwords
from lgsp_gateway.sessions.local_users.second_factor import SecondFactor
from lgsp_gateway.sessions.local_users.user_store import LocalUserStore
from lgsp_gateway.sessions.sign_in import SignIn
from lgsp_gateway.sessions.store import PeopleStore


def open_local_sign_in(
    sign_in: SignIn, people: PeopleStore, keys: KeyStore, replays: ReplayGuard, public_url: str
) -> LocalSignIn:
    """Open it.

    Args:
        public_url: the address under which browsers reach the bus.
    """
    key = keys.pseudonym_key()
    parts = LocalParts(
        LocalUserStore(people),
        Passwords(key),
        SecondFactor(keys.storage_keys, key, f"LGSP {urlsplit(public_url).hostname}"),
        Passkeys(keys.storage_keys, replays, public_url),
        AttemptLimiter(people.sessions, key),
    )
    return LocalSignIn(parts, sign_in, public_url)
