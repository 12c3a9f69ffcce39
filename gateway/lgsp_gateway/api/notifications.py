"""`/me/notifications`: what a person is told of, and where. The secret that signs webhooks is shown once, when the address is set."""

import re
from typing import Any

from aiohttp import web

from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.delivery.probe_limiter import ProbeLimiter
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.notifications.build import Notifications
from lgsp_gateway.notifications.choices import EMAIL_PATTERN, KINDS, MAX_EMAIL, MAX_URL, Choices
from lgsp_problems import Refusal, Text, Violation

READ = Route(
    "GET",
    "/me/notifications",
    "readNotificationChoices",
    "Read what the caller is told of, and where",
    "signed-in",
    {200: ResponseSpec("The choices", json_of("NotificationChoices"))},
    tag="notifications",
)
CHOOSE = Route(
    "PUT",
    "/me/notifications",
    "chooseNotifications",
    "Choose what to be told of, and where",
    "signed-in",
    {200: ResponseSpec("The choices, with the secret of a new webhook", json_of("NotificationChoices"))},
    body=json_of("NewNotificationChoices"),
    problems=("invalid-document", "url-not-allowed"),
    tag="notifications",
)
FORGET = Route(
    "DELETE",
    "/me/notifications",
    "forgetNotificationChoices",
    "Be told of nothing, and have the addresses deleted",
    "signed-in",
    {204: ResponseSpec("The addresses are deleted")},
    tag="notifications",
)
TEST = Route(
    "POST",
    "/me/notifications/test",
    "testNotifications",
    "Send a test to each address of the caller",
    "signed-in",
    {200: ResponseSpec("By channel why it was not accepted; empty where it was", json_of("NotificationTest"))},
    problems=("quota-exceeded",),
    tag="notifications",
)

EMAIL = re.compile(EMAIL_PATTERN)
_MEMBERS = {"kinds", "language", "email", "webhook"}


class NotificationRoutes:
    """The routes for persons who are signed in."""

    def __init__(self, callers: CallerAuthenticator, notifications: Notifications) -> None:
        self._callers = callers
        self._notifications = notifications
        self._tests = ProbeLimiter()

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, READ, self._read)
        add_route(app, CHOOSE, self._choose)
        add_route(app, FORGET, self._forget)
        add_route(app, TEST, self._test)

    async def _read(self, request: web.Request) -> web.Response:
        person = (await self._callers.identify(request)).person
        return self._response(await self._choices(person))

    async def _choose(self, request: web.Request) -> web.Response:
        person = (await self._callers.identify(request)).person
        chosen = _read_choices(await decoded_bodies.read_json_object(request))
        if chosen.webhook:
            self._notifications.urls.check(chosen.webhook)
        before = await self._choices(person)
        secret, sealed = "", before.secret
        if chosen.webhook != before.webhook:
            secret = new_secret_value() if chosen.webhook else ""
            sealed = self._notifications.seal(person, secret) if secret else ""
        choices = Choices(chosen.kinds, chosen.language, chosen.email, chosen.webhook, sealed)
        await self._notifications.people.keep_notification_choices(person, choices.document())
        await self._notifications.ledger.note_choice()
        return self._response(choices, secret)

    async def _forget(self, request: web.Request) -> web.Response:
        person = (await self._callers.identify(request)).person
        await self._notifications.people.forget_notification_choices(person)
        return web.Response(status=204)

    async def _test(self, request: web.Request) -> web.Response:
        person = (await self._callers.identify(request)).person
        self._tests.take(person)
        faults = await self._notifications.notifier.test(person, await self._choices(person))
        return json_responses.json_response({"faults": faults})

    async def _choices(self, person: str) -> Choices:
        return Choices.from_document(await self._notifications.people.notification_choices(person) or {})

    def _response(self, choices: Choices, secret: str = "") -> web.Response:
        members = {name: value for name, value in choices.document().items() if name != "secret"}
        members["mailServer"] = self._notifications.notifier.has_mail
        return json_responses.json_response(members | ({"secret": secret} if secret else {}))


def _read_choices(body: dict[str, Any]) -> Choices:
    """Read what a person sends.

    Raises:
        Refusal: `invalid-document`.
    """
    kinds, email, webhook = body.get("kinds", []), body.get("email", ""), body.get("webhook", "")
    if set(body) - _MEMBERS or not isinstance(kinds, list) or not all(kind in KINDS for kind in kinds):
        raise _invalid("/kinds", f"chỉ gồm: {', '.join(KINDS)}", f"holds some of: {', '.join(KINDS)}")
    if not isinstance(email, str) or len(email) > MAX_EMAIL or not EMAIL.fullmatch(email):
        raise _invalid("/email", "phải là một địa chỉ thư điện tử", "must be an e-mail address")
    if not isinstance(webhook, str) or len(webhook) > MAX_URL:
        raise _invalid("/webhook", "phải là một URL", "must be a URL")
    return Choices.from_document({**body, "kinds": kinds})


def _invalid(pointer: str, vi: str, en: str) -> Refusal:
    return Refusal(
        "invalid-document",
        vi=f"{pointer}: {vi}; hãy sửa lại.",
        en=f"{pointer}: {en}; correct it.",
        violations=[Violation(pointer, "", Text(vi, en))],
    )
