"""The keys and secrets of a system, as whoever administers it changes them: `lgsp system …`.

The registry alone decides what counts. Every change is one write of the system's document, which is refused if somebody else
has changed the document since it was read.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lgsp_auth.public_jwk import EXPIRY, has_expired, thumbprint
from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli import tables, times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.public_keys import Jwk, read_public_keys
from lgsp_gateway.cli.registry_client import Document, Outcome, run_on_registry
from lgsp_gateway.cli.registry_output import document_path, outcome_line, token_notice
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import NotFound
from lgsp_runtime import durable_file

Spec = dict[str, Any]

SECRET_BYTES = 32
"""Random bytes of a client secret: it cannot be guessed from its digest, which is all that the registry keeps."""


def keys(system: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """List the keys of a system: kid, type, until when each counts, and whether it has a secret.

    Parameters
    ----------
    system
        The system.
    """
    document: Document = run_on_registry(bus, lambda client: client.get("systems", system))
    rows = [
        [jwk["kid"], f"{jwk['kty']} {jwk.get('crv', '')}", _expiry(jwk)] for jwk in document["spec"].get("jwks", ())
    ]
    if "secretSha256" in document["spec"]:
        rows.append(["-", localized("mật khẩu", "secret"), ""])
    tables.show(("KID", "TYPE", "COUNTS UNTIL"), rows)


def rotate_key(
    system: str,
    /,
    *,
    overlap: str = "7d",
    key: Path | None = None,
    reason: str = "",
    dry_run: bool = False,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Make a new key pair for a system and register it; the keys it had count for a while beside it.

    Interrupted, the same command goes on where it stopped.

    Parameters
    ----------
    system
        The system.
    overlap
        How long the present keys still count, such as 7d or 12h; `0s` ends them at once.
    key
        The file of the private key. The new key takes its place, and the old one is kept in FILE.old. By default SYSTEM.pem in the
        folder of the local bus, or in the working directory for a bus with an address.
    reason
        Why; it stands in the history.
    dry_run
        Show what would change and change nothing.
    """
    name = names.system_name(system)
    file = key or (Path() if bus.url else StateDir(bus.state_dir).credentials) / f"{name}.pem"
    made = SigningKey.generate().to_pem()
    new = file.with_name(file.name + ".new")
    pem = made if dry_run else durable_file.ensure(new, lambda: made)
    successor = SigningKey.from_pem(pem).public_jwk()
    outcome = _change(bus, name, _with_keys([successor], _end_time(overlap)), reason, dry_run=dry_run)
    if not dry_run:
        if file.exists() and file.read_bytes() != pem:  # else it was interrupted between the next two steps
            durable_file.write(file.with_name(file.name + ".old"), file.read_bytes())
        durable_file.write(file, pem)
        durable_file.remove(new)
    _print(outcome, dry_run=dry_run)
    if not dry_run:
        out(localized(f"    khóa riêng mới ở {file}\n", f"    the new private key is in {file}\n"))


def add_key(
    system: str,
    file: Path,
    /,
    *,
    overlap: str = "",
    reason: str = "",
    dry_run: bool = False,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Register a public key that somebody handed over: a JWK, or a public key or certificate in PEM or DER.

    Parameters
    ----------
    system
        The system.
    file
        The file that they sent. A key without a `kid` gets its RFC 7638 thumbprint as one.
    overlap
        End the keys that the system has now after this time, such as 7d; without it they count until they are removed.
    reason
        Why; it stands in the history.
    dry_run
        Show what would change and change nothing.
    """
    handed_over = read_public_keys(file)
    ends = _end_time(overlap) if overlap else None
    _print(
        _change(bus, names.system_name(system), _with_keys(handed_over, ends), reason, dry_run=dry_run), dry_run=dry_run
    )


def remove_key(
    system: str,
    kid: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    reason: str = "",
    dry_run: bool = False,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Remove a key of a system: no new token is given for it. Tokens taken with it are ended by `lgsp system end-tokens`.

    Parameters
    ----------
    system
        The system.
    kid
        The key, as `lgsp system keys` lists it.
    reason
        Why; it stands in the history.
    dry_run
        Show what would change and change nothing.
    """

    def without(spec: Spec) -> Spec:
        present = spec.get("jwks", [])
        kept = [jwk for jwk in present if jwk["kid"] != kid]
        if len(kept) == len(present):
            known = ", ".join(jwk["kid"] for jwk in present) or "-"
            raise NotFound(
                vi=f"Hệ thống {system} không có khóa nào như vậy; các khóa: {known}.",
                en=f"The system {system} has no such key; its keys are: {known}.",
            )
        return _without_empty({**spec, "jwks": kept})

    _print(_change(bus, names.system_name(system), without, reason, dry_run=dry_run), dry_run=dry_run)


def new_secret(system: str, /, *, reason: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Give a system a new client secret, and show it once; the bus keeps its SHA-256 alone. An earlier secret ends at once.

    Parameters
    ----------
    system
        The system.
    reason
        Why; it stands in the history.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    outcome = _change(
        bus, names.system_name(system), lambda spec: {**spec, "secretSha256": digest}, reason, dry_run=False
    )
    out(secret + "\n")
    err(outcome_line(outcome, dry_run=False) + token_notice(outcome.before or {}, outcome.after))
    err(
        localized(
            "    mật khẩu chỉ được hiện lần này; hãy chuyển cho người phụ trách hệ thống qua kênh an toàn\n",
            "    the secret is shown this once; hand it to whoever runs the system by a safe way\n",
        )
    )


def remove_secret(system: str, /, *, reason: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Remove the client secret of a system, as when its program signs with a key by now.

    Parameters
    ----------
    system
        The system.
    reason
        Why; it stands in the history.
    """

    def without(spec: Spec) -> Spec:
        return {key: value for key, value in spec.items() if key != "secretSha256"}

    _print(_change(bus, names.system_name(system), without, reason, dry_run=False), dry_run=False)


def end_tokens(system: str, /, *, reason: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """End at once, at every gateway and on NATS, the access tokens that a system was given until now.

    Parameters
    ----------
    system
        The system.
    reason
        Why; it stands in the history.
    """
    after: Document = run_on_registry(
        bus, lambda client: client.act("systems", system, "end-tokens", {"reason": reason})
    )
    out(
        f"{document_path(after)}: "
        + localized(
            "các mã truy cập đã cấp đến nay đã hết hiệu lực; hệ thống xin mã mới bằng khóa của mình\n",
            "tokens issued until now have ended; it takes a new one with its key\n",
        )
    )


def _change(bus: BusOptions, name: str, alter: Callable[[Spec], Spec], reason: str, *, dry_run: bool) -> Outcome:
    return run_on_registry(bus, lambda client: client.change("systems", name, alter, reason, dry_run=dry_run))


def _end_time(overlap: str) -> int:
    return int(time.time() + times.seconds_of(overlap))


def _with_keys(new: list[Jwk], ends: int | None) -> Callable[[Spec], Spec]:
    """Return what adds keys to a system, and ends those that it had.

    Args:
        ends: when, in seconds since 1970; None leaves them. A key that ends sooner already is left as it is.
    """

    def alter(spec: Spec) -> Spec:
        now = time.time()
        present = [jwk for jwk in spec.get("jwks", []) if not has_expired(jwk, now)]
        known = {thumbprint(jwk) for jwk in present}
        added = [jwk for jwk in new if thumbprint(jwk) not in known]
        if not added:
            return spec
        kept = present if ends is None else [{**jwk, EXPIRY: min(jwk.get(EXPIRY, ends), ends)} for jwk in present]
        return {**spec, "jwks": [jwk for jwk in kept if not has_expired(jwk, now)] + added}

    return alter


def _without_empty(spec: Spec) -> Spec:
    return {key: value for key, value in spec.items() if key != "jwks" or value}


def _expiry(jwk: Jwk) -> str:
    return times.in_seconds(jwk[EXPIRY]) if EXPIRY in jwk else ""


def _print(outcome: Outcome, *, dry_run: bool) -> None:
    out(outcome_line(outcome, dry_run=dry_run))
    before = {jwk["kid"]: jwk for jwk in (outcome.before or {}).get("spec", {}).get("jwks", ())}
    after = {jwk["kid"]: jwk for jwk in outcome.after["spec"].get("jwks", ())}
    for kid in [*before, *(kid for kid in after if kid not in before)]:
        out(f"    {kid}  {_change_of_key(before.get(kid), after.get(kid))}\n")
    out(token_notice(outcome.before or {}, outcome.after))


def _change_of_key(before: Jwk | None, after: Jwk | None) -> str:
    if after is None:
        return localized("đã bỏ", "removed")
    until = (
        f"{localized('có hiệu lực đến', 'counts until')} {_expiry(after)}"
        if EXPIRY in after
        else localized("có hiệu lực", "counts")
    )
    return f"{localized('mới', 'new')}, {until}" if before is None else until
