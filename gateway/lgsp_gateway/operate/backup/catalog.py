"""The backups in a place: which there are, which one is meant, and which may be deleted."""

import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from lgsp_gateway.operate.backup import manifest as manifests
from lgsp_gateway.operate.backup.manifest import Manifest
from lgsp_gateway.operate.backup.places import Place
from lgsp_gateway.operate.backup.refusals import backup_damaged
from lgsp_problems import NotFound, Refusal

CHUNK_PREFIX = "chunk-"
UNFINISHED = timedelta(days=1)
"""How long a chunk that no backup needs is left alone: a backup that is being made has no manifest yet."""


def names(place: Place) -> list[str]:
    """List the backups in a place, the oldest first.

    Raises:
        Refusal: `backup-unavailable`.
    """
    return sorted(one.name for one in place.objects() if manifests.is_manifest(one.name))


def load(place: Place, name: str, publics: tuple[bytes, ...] | None = None) -> tuple[Manifest, bytes]:
    """Load a backup by the name of its object.

    Args:
        publics: public keys of the logs of the bus that it must be of; None where none is known.

    Returns:
        The backup, and the public key that signed it.

    Raises:
        Refusal: `backup-unavailable`, `backup-damaged`.
    """
    return manifests.parse(name, place.get(name), publics)


def find(place: Place, wanted: str, publics: tuple[bytes, ...] | None = None) -> tuple[Manifest, bytes]:
    """Find a backup: the one that was made at a time (`20261129T013000Z`), or the newest for `latest`.

    Raises:
        Refusal: `not-found`, `backup-unavailable`, `backup-damaged`.
    """
    known = names(place)
    name = known[-1] if known and wanted == "latest" else f"backup-{wanted}.json"
    if name not in known:
        raise NotFound(
            vi=f"Không có bản sao lưu {wanted} ở {place.address}; hãy xem `lgsp backup list`.",
            en=f"There is no backup {wanted} in {place.address}; see `lgsp backup list`.",
        )
    return load(place, name, publics)


def newest_of(place: Place, publics: tuple[bytes, ...]) -> Manifest | None:
    """Return the newest backup of a bus; None where there is none, or the newest is not whole: then a new one builds on nothing.

    Args:
        publics: the public keys of its logs.

    Raises:
        Refusal: `backup-unavailable`.
    """
    known = names(place)
    if not known:
        return None
    data = place.get(known[-1])
    with contextlib.suppress(Refusal):
        return manifests.parse(known[-1], data, publics)[0]
    return None


def refuse_another_bus(place: Place, publics: tuple[bytes, ...]) -> None:
    """Refuse a place that holds backups of another bus: one prunes what the other needs.

    Args:
        publics: the public keys of the logs of this one.

    Raises:
        Refusal: `backup-damaged`, `backup-unavailable`.
    """
    known = names(place)
    if not known:
        return
    newest, signer = load(place, known[-1])
    if not newest.is_of(signer, publics):
        raise backup_damaged(
            f"{place.address} giữ bản sao của một trục khác, nên cần một nơi riêng cho trục này",
            f"{place.address} holds backups of another bus, so this one needs a place of its own",
        )


def to_keep(times: Iterable[datetime], now: datetime, days: int, months: int) -> set[datetime]:
    """Choose which backups are kept: all of the last two days, one a day, one a month, and always the newest.

    Args:
        times: when they were made.
        days, months: for how many days and months one is kept.
    """
    ordered = sorted(times, reverse=True)
    kept = set(ordered[:1])
    kept |= {time for time in ordered if now - time < timedelta(days=2)}
    kept |= _last_of_each(ordered, lambda time: time.strftime("%Y-%m-%d"), days)
    kept |= _last_of_each(ordered, lambda time: time.strftime("%Y-%m"), months)
    return kept


def _last_of_each(ordered: list[datetime], period: Callable[[datetime], str], count: int) -> set[datetime]:
    last = dict[str, datetime]()
    for time in ordered:
        last.setdefault(period(time), time)
    return set(list(last.values())[:count])


def prune(place: Place, now: datetime, days: int, months: int, publics: tuple[bytes, ...]) -> tuple[list[str], int]:
    """Delete old backups, and the chunks that none of the others needs.

    Args:
        publics: the public keys of the logs of the bus.

    Returns:
        The backups that were deleted (their times), and the number of chunks.

    Raises:
        Refusal: `backup-unavailable`; `backup-damaged`, when one that is kept cannot be read: then nothing is deleted.
    """
    backups = [load(place, name, publics)[0] for name in names(place)]
    kept_times = to_keep([one.time for one in backups], now, days, months)
    kept = [one for one in backups if one.time in kept_times]
    needed = {chunk.name for one in kept for chunk in one.chunks()}
    removed = [one for one in backups if one not in kept]
    for one in removed:
        place.delete(one.name)
    before = (now - UNFINISHED).timestamp()
    stale = [one.name for one in place.objects() if one.name.startswith(CHUNK_PREFIX) and one.modified < before]
    stale = [name for name in stale if name not in needed]
    for name in stale:
        place.delete(name)
    return [one.made for one in removed], len(stale)
