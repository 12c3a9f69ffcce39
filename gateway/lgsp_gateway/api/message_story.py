"""`GET /evidence/messages/{message}`: everything that the bus knows of one message, from its entries to what still waits to be delivered.

Of a call this is one entry; of an accepted message or an event its acceptance, each attempt and each decision, its state, and its
dead letters. Neither a request nor an answer is in it.
"""

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web
from nats.aio.client import Client

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.names import SystemName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.api import dead_letters, messages
from lgsp_gateway.api.evidence_search import index_unavailable
from lgsp_gateway.api.message_scope import READ_MESSAGES, SIDES, MessageScope
from lgsp_gateway.api.outcome_advice import Reader
from lgsp_gateway.api.outcome_texts import explain
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.api.stored_entries import complete_items
from lgsp_gateway.api.titles import titles_of_messages
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.decisions import receiver
from lgsp_gateway.delivery.messages.message_store import MessageRecord
from lgsp_gateway.delivery.messages.operations import MessageOperations
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response
from lgsp_gateway.http.language import accepted_language
from lgsp_gateway.http.parameter_types import message_id_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Language, NotFound

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

MAX_ENTRIES = 200
"""Entries of one message that are returned, the newest; an event with many subscriptions has more."""
MAX_LETTERS = 20

MESSAGE = message_id_parameter("message", "the id of a message or an event", location="path")
STORY = Route(
    *("GET", "/evidence/messages/{message}", "readMessageStory", "Read everything that is known of one message"),
    access="token",
    responses={200: ResponseSpec("Its entries, the oldest first, and what became of it", json_of("MessageStory"))},
    right=READ_MESSAGES,
    parameters=(MESSAGE,),
    problems=("not-granted", "not-found", "index-unavailable"),
    tag="evidence",
)


class MessageStoryRoute:
    """The route of one message.

    Args:
        index: None where this gateway has no search index.
        connection: reads entries as they were written.
    """

    def __init__(
        self,
        callers: CallerAuthenticator,
        index: "Index | None",
        connection: Client,
        registry: RegistrySnapshot,
        operations: MessageOperations,
        letters: DeadLetters,
    ) -> None:
        self._callers = callers
        self._index = index
        self._connection = connection
        self._registry = registry
        self._operations = operations
        self._letters = letters

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, STORY, self._read)

    async def _read(self, request: web.Request) -> web.Response:
        caller, language = await self._callers.identify(request), accepted_language(request)
        scope, message = MessageScope.of(caller), MESSAGE.read_from(request)
        entries, more = await self._visible_entries(scope, message)
        if not entries:
            raise _no_such_message()
        record = await self._visible_record(scope, message)
        reader = _reader_of(caller, scope, entries)
        letters = await self._dead_letters(caller, message, entries, record, language)
        story: dict[str, Any] = {
            "message": message,
            "entries": [
                {**scope.visible(entry), "explanation": explain(entry, self._registry, language, reader)}
                for entry in entries
            ],
            "reader": reader,
            "more": more,
            "titles": await titles_of_messages(self._registry, [*entries, *letters]),
            "grants": self._grants(entries),
            "deadLetters": letters,
        }
        if record:
            story["delivery"] = messages.describe(record, language, caller)
        headers = {hdrs.CONTENT_LANGUAGE: language, "Vary": "Accept-Language"}
        return json_response(story, headers=headers)

    async def _visible_entries(self, scope: MessageScope, message: str) -> tuple[list[dict[str, Any]], bool]:
        """Return the entries of a message that a caller may see, the oldest first, and whether there are more."""
        if self._index is None:
            raise index_unavailable()
        found, more = dict[tuple[int, int], dict[str, Any]](), False
        for side in SIDES[:1] if scope.sees_all else SIDES:
            search = scope.restrict(Search({"message": message}, {}, limit=MAX_ENTRIES), side, self._registry)
            if search is not None:
                page = await self._index.search(search)
                found |= zip(page.places, await complete_items(self._connection, page), strict=True)
                more = more or bool(page.cursor)
        ordered = sorted(found.items(), key=lambda one: (one[1]["time"], one[0]))
        return [entry for _, entry in ordered], more

    async def _visible_record(self, scope: MessageScope, message: str) -> MessageRecord | None:
        """Return an accepted message as it is stored, for those who see the messages of its sender."""
        record = await self._operations.store.find(message, None)
        return record if record and self._is_of(scope, record.envelope.consumer) else None

    def _is_of(self, scope: MessageScope, system: str) -> bool:
        """Tell whether a caller sees what belongs to a system alone."""
        known = self._registry.systems.get(SystemName(system))
        return scope.sees_all or (known is not None and known.agency == scope.agency)

    async def _dead_letters(
        self,
        caller: Principal,
        message: str,
        entries: Iterable[dict[str, Any]],
        record: MessageRecord | None,
        language: Language,
    ) -> list[dict[str, Any]]:
        """Return the dead letters that the caller's entries speak of. A letter belongs to the system in the entry, and is for its agency:
        who decided about it, and why, is not for the agency that announced the event."""
        dead = {f"{one['to']}.{message}": one["consumer"] for one in entries if one["event"] and one["state"] == "dead"}
        if record:
            dead[message] = record.envelope.consumer
        found, scope = [], MessageScope.of(caller)
        own = {letter: owner for letter, owner in dead.items() if self._is_of(scope, owner)}
        for letter, owner in list(own.items())[:MAX_LETTERS]:
            with contextlib.suppress(NotFound):
                stored, _ = await self._letters.find(letter, [owner])
                may_decide = caller.has_role(OPERATOR) or receiver(self._registry, SystemName(owner)).includes(caller)
                found.append(dead_letters.describe(stored.letter, stored.size, language, may_decide=may_decide))
        return found

    def _grants(self, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the grants that entries name, as they are now; those that have ended are left out."""
        named = [self._registry.grants.get(name) for name in sorted({entry["grant"] for entry in entries})]
        return [
            {
                "name": grant.name,
                "legalBasis": grant.legal_basis,
                "purposes": sorted(grant.purposes),
                "validUntil": iso_time(grant.valid_until),
                "suspended": grant.suspended is not None,
            }
            for grant in named
            if grant
        ]


def _reader_of(caller: Principal, scope: MessageScope, entries: list[dict[str, Any]]) -> Reader:
    if any(entry["agency"] == caller.agency for entry in entries):
        return "caller"
    return "operator" if scope.sees_all else "provider"


def _no_such_message() -> NotFound:
    return NotFound(
        vi="Không có thông điệp này trong nhật ký bằng chứng, hoặc bạn không được xem; hãy kiểm tra mã, hoặc thử lại sau ít giây nếu vừa gọi.",
        en="There is no such message in the evidence, or you may not see it; check the id, or try again in a few seconds if it passed just now.",
        retry_after=1,
    )
