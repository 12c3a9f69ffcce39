"""Which users of a NATS configuration let a leaf node read the bus of others.

A leaf node is a server, and its owner decides who uses it: what the bus does not refuse the leaf's user, it refuses nobody in that office.
A running server tells nobody the rights of these users, so they are read from its configuration.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lgsp_gateway.operate import nats_users

_REPLIES = "_INBOX.>"
"""To which an answer through a leaf node is published: with `allow_responses` alone none comes back (nats-server 2.15.1)."""
_OF_SERVERS = ("$JS", "$KV", "$O", "$SYS")
"""Streams, buckets and the servers themselves, in which nothing belongs to one office."""
_WILDCARDS = {"*", ">"}
_PUBLISH = ("publish", "pub")
_SUBSCRIBE = ("subscribe", "sub")


def unlimited_leaf_users(configuration: Mapping[str, Any]) -> list[str]:
    """Return the users by which a leaf node may read or write what belongs to several offices, sorted.

    The users of the bus itself are not among them: no office has their passwords.

    Args:
        configuration: a `nats.conf`, read from JSON.
    """
    leaf_nodes = configuration.get("leafnodes") or configuration.get("leaf")
    if not isinstance(leaf_nodes, Mapping) or not ("port" in leaf_nodes or "listen" in leaf_nodes):
        return []
    of_accounts = (
        _name(user)
        for account in (configuration.get("accounts") or {}).values()
        for user in account.get("users") or ()
        if user.get("user") not in nats_users.NAMES and _may_be_a_leaf(user) and not _is_limited(user)
    )
    return sorted({*_of_listener(leaf_nodes), *of_accounts})


def _of_listener(leaf_nodes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the users of the listener itself, to whom nats-server can give no rights: it knows no `permissions` there."""
    authorization = leaf_nodes.get("authorization") or {}
    for user in (authorization, *(authorization.get("users") or ())):
        if name := _name(user):
            yield name


def _name(user: Mapping[str, Any]) -> str:
    return str(user.get("user") or user.get("nkey") or "")


def _may_be_a_leaf(user: Mapping[str, Any]) -> bool:
    types = user.get("allowed_connection_types")
    return not types or "LEAFNODE" in {str(one).upper() for one in types}


def _is_limited(user: Mapping[str, Any]) -> bool:
    permissions = user.get("permissions") or {}
    published, subscribed = _allowed(permissions, _PUBLISH), _allowed(permissions, _SUBSCRIBE)
    return (
        bool(published and subscribed)
        and all(subject == _REPLIES or _is_narrow(subject) for subject in published)
        and all(_is_narrow(subject) for subject in subscribed)
    )


def _allowed(permissions: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the subjects that are allowed; none where all are, but for those that are denied."""
    value = next((permissions[name] for name in names if name in permissions), None)
    allowed = value.get("allow") if isinstance(value, Mapping) else value
    return [allowed] if isinstance(allowed, str) else list(allowed or ())


def _is_narrow(subject: str) -> bool:
    """Tell whether a subject names a service or system: `svc.tau-services.>`, but not `svc.>` or `svc.*.v1.read`."""
    subject = subject.partition(" ")[0]  # a queue group may stand behind it
    tokens = subject.split(".")
    return tokens[0] not in {*_OF_SERVERS, "_INBOX"} and not _WILDCARDS & set(tokens[:2])
