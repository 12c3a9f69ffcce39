"""What once made the gateway answer 500: each is the caller's, and is said to be."""

import base64
import json

import pytest
from support.raw_http import Request, send
from support.workbench import TEXT, Workbench, document, grant

DIGITS = b"1" * 4400
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"


def _post(path: bytes, body: bytes, media: bytes, *headers: tuple[str, bytes]) -> Request:
    return Request("POST", path, (("Content-Type", media), *headers), body)


def _get(path: bytes, *headers: tuple[str, bytes]) -> Request:
    return Request("GET", path, headers)


FORMS = {
    "no utf-8": (b"grant_type=\xff\xfe", FORM),
    "no utf-8, encoded": (b"grant_type=%FF%FE", FORM),
    "half a character": (b"grant_type=client_credentials&client_id=%ED%A0%80&client_secret=x", FORM),
    **{
        f"charset {name}": (
            b"grant_type=client_credentials&client_id=+2AA-&client_secret=\\ud800",
            FORM + b"; charset=" + name.encode(),
        )
        for name in ("nope", "zlib", "idna", "utf-16", "utf-7", "unicode_escape", "rot13", "hex", "undefined")
    },
    "compressed": (b"\x1f\x8bjunk", FORM),
    "multipart": (b"--x\r\n", b"multipart/form-data; boundary=x"),
    "fields": (b"&".join(b"a%d=1" % n for n in range(2000)), FORM),
}
"""Bodies of token requests."""


@pytest.mark.parametrize("name", FORMS)
async def test_a_body_that_is_no_form_is_an_invalid_request(bus: Workbench, name: str) -> None:
    body, media = FORMS[name]
    more = (("Content-Encoding", b"gzip"),) if name == "compressed" else ()
    answer = await send(bus.port, _post(b"/oauth2/token", body, media, *more))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


async def test_authorization_that_is_no_text_is_refused(bus: Workbench) -> None:
    good = b"grant_type=client_credentials"
    for value in (
        "Basic é".encode(),
        b"Basic \xff\xfe",
        b"Bearer \xed\xa0\x80",
        b"\xff",
        b"Basic " + base64.b64encode(b"\xff:\xff"),
    ):
        answer = await send(bus.port, _post(b"/oauth2/token", good, FORM, ("Authorization", value)))
        assert answer.status in (400, 401), value
        for path in (b"/registry/grants", b"/catalog", b"/me/access-log", b"/evidence/entries"):
            answer = await send(bus.port, _get(path, ("Authorization", value)))
            assert answer.status == 401, (path, value)


async def test_versions_of_many_digits_are_none(bus: Workbench) -> None:
    for end in (b"", b"/openapi.json", b"/asyncapi.json", b"/contract.json", b"/contract.yaml"):
        for major in (DIGITS, b"0", b"10000", b"%EF%BC%91"):
            answer = await send(bus.port, _get(b"/catalog/services/desk/v" + major + end))
            assert answer.status in (400, 404), major[:20]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (b"/registry/grants?limit=" + DIGITS, None),
        (b"/registry/grants?limit=%EF%BC%91", None),
        (b"/registry/grants?expiringWithin=" + DIGITS, None),
        (b"/registry/grants?cursor=" + base64.urlsafe_b64encode(b"\xff\xfe"), None),
        (b"/registry/grants?cursor=%ED%A0%80", None),
        (b"/evidence/entries?after=" + DIGITS, None),
        (b"/evidence/entries?last=" + DIGITS, None),
        (b"/evidence/entries?after=-1", None),
        (b"/evidence/entries", ("Last-Event-ID", DIGITS)),
        (b"/evidence/logs/bench/consistency?from=" + DIGITS, None),
        (b"/evidence/logs/bench/entries?to=" + DIGITS, None),
        (b"/evidence/logs/%3E/seals", None),
        (b"/evidence/logs/*/checkpoints", None),
        (b"/evidence/messages/x/proof", None),
        (b"/evidence/messages?provider=", None),
        (b"/evidence/messages?minDuration=nan", None),
        (b"/evidence/messages?since=9999-12-31T23:59:59-23:59", None),
        (b"/evidence/messages", ("Lgsp-Subject", b"\xed\xa0\x80")),
        (b"/ops/statistics?since=" + DIGITS, None),
        (b"/ops/statistics?since=%D9%A1%D9%A1%D9%A1%D9%A1-11", None),
        (b"/ops/flows?window=", None),
        (b"/ops/flows/stream?top=0", None),
    ],
)
async def test_parameters_beyond_their_bounds_are_refused(
    bus: Workbench, path: bytes, header: tuple[str, bytes] | None
) -> None:
    system = "operator" if path.startswith((b"/registry", b"/ops")) else "auditor"
    token = ("Authorization", f"Bearer {bus.token(system)}".encode())
    answer = await send(bus.port, _get(path, token, *((header,) if header else ())))
    expected = (400, 503) if b"23:59:59-23:59" in path else (400,)  # a time that can be; this gateway has no index
    assert answer.status in expected, answer.body
    assert b'"code"' in answer.body


async def test_documents_of_the_wrong_types_are_invalid(bus: Workbench) -> None:
    wrong = [None, True, False, 0, 1.5, "", "x", "\ud800", [], {}, [[]], [None], {"": None}, 10**300]
    token = ("Authorization", f"Bearer {bus.token('operator')}".encode())

    async def refused(path: bytes, sent: object) -> None:
        answer = await send(bus.port, _post(path, json.dumps(sent).encode(), JSON, token))
        assert answer.status in (400, 422), (path, sent, answer.body)

    for value in wrong:
        for plural in (b"agencies", b"systems", b"services", b"grants"):
            await refused(b"/registry/" + plural, value)
        system = document("System", "odd", agency="H49.1", title=TEXT)
        given = grant("odd", "alpha", read=["*"])
        service = document("Service", "odd-v1", phase="draft", contract={"service": "odd"})
        for made, path, members in (
            (system, b"/registry/systems", ("agency", "title", "roles", "jwks", "secretSha256")),
            (
                given,
                b"/registry/grants",
                ("consumer", "service", "major", "operations", "purposes", "quota", "validFrom"),
            ),
            (service, b"/registry/services", ("contract", "phase", "deprecation")),
        ):
            for member in members:
                if (member, value) in (("roles", []), ("jwks", [])):
                    continue
                await refused(path, {**made, "spec": {**made["spec"], member: value}})
            for member in ("apiVersion", "kind", "metadata", "spec"):
                await refused(path, {**made, member: value})
            if value != "x":  # which is a name
                await refused(path, {**made, "metadata": {"name": value}})


async def test_tags_of_many_digits_match_nothing(bus: Workbench) -> None:
    token = ("Authorization", f"Bearer {bus.token('operator')}".encode())
    made = json.dumps(document("Agency", "H49.1", title=TEXT)).encode()
    for tag in (DIGITS[:90], b'"' + DIGITS[:18] + b'"', b"*", b"\xc3\xa9", b'W/"x"'):
        request = Request("PUT", b"/registry/agencies/H49.1", (token, ("If-Match", tag), ("Content-Type", JSON)), made)
        assert (await send(bus.port, request)).status == 412, tag
    for tag in (b"\xff", b"\xed\xa0\x80"):
        request = Request("PUT", b"/registry/agencies/H49.1", (token, ("If-Match", tag), ("Content-Type", JSON)), made)
        assert (await send(bus.port, request)).status == 400, tag


async def test_paths_of_odd_bytes_are_none(bus: Workbench) -> None:
    for path in (
        b"/%ED%A0%80",
        b"/\xff\xfe",
        b"/%FF",
        b"/%00",
        b"/catalog/services/%ED%A0%80/v1",
        b"//",
        b"/%2e%2e/x",
        b"/a" * 4000,
    ):
        answer = await send(bus.port, _get(path))
        assert answer.status in (400, 404), path[:40]


async def test_none_of_it_was_a_fault(bus: Workbench) -> None:
    assert '"event":"internal error"' not in bus.gateway.log.read_text()


async def test_the_first_and_the_last_of_days_and_large_numbers_leave_calls_as_they_are(
    breakable_bus: Workbench,
) -> None:
    bus = breakable_bus
    adapter = await bus.serve()
    ever = grant("ever", "gamma", read=["*"])
    ever["spec"] |= {
        "validFrom": "0001-01-01",
        "validUntil": "9999-12-31",
        "quota": {"requests": 1000.0, "per": "hour"},
    }
    assert (await bus.registry("POST", "grants", ever)).status == 201
    assert (await bus.call(system="gamma")).status == 200
    for quota in ({"requests": 1e30, "per": "hour"}, {"requests": 1, "per": "hour", "daily": 1e300}):
        many = grant("many", "gamma", read=["*"])
        assert (await bus.registry("POST", "grants", {**many, "spec": {**many["spec"], "quota": quota}})).status == 422
    for since, until in (
        ("9998-12-31T23:59:59-23:59", "9999-12-31T23:59:59-23:59"),
        ("", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00+14:00", "2099-01-01"),
    ):
        step = {"reason": "thu", "since": since, "until": until}
        assert (await bus.registry("POST", "services/desk-v1/suspend", step)).status == 400, step
    planned = {"reason": "thu", "since": "9998-12-31", "until": "9999-12-31T23:59:59.999999+07:00"}
    assert (await bus.registry("POST", "services/desk-v1/suspend", planned)).status == 200
    assert (await bus.call()).headers["Lgsp-Suspension"].endswith("9999-12-31T23:59:59+07:00")
    known = await bus.registry("GET", "services/desk-v1")
    ends = {**known.json["spec"], "phase": "deprecated", "deprecation": {"since": "0001-01-01", "sunset": "9999-12-31"}}
    tag = {"If-Match": known.headers["ETag"]}
    assert (await bus.registry("PUT", "services/desk-v1", {**known.json, "spec": ends}, headers=tag)).status == 200
    assert (await bus.call()).headers["Sunset"].endswith("9999 00:00:00 GMT")
    wrong = {"reason": "thu", "until": "2026-99-99"}
    assert (await bus.registry("POST", "grants/ever/suspend", wrong)).status == 400
    log = bus.gateway.log.read_text()
    assert '"event":"internal error"' not in log
    assert "background callback failed" not in log
    await bus.unserve(adapter)


async def test_headers_of_a_call_that_are_no_text_are_refused(bus: Workbench) -> None:
    adapter = await bus.serve()
    token = ("Authorization", f"Bearer {bus.token('alpha')}".encode())
    body = b'{"soDinhDanh":"022093001234"}'
    for name in ("Idempotency-Key", "Lgsp-Purpose", "Lgsp-On-Behalf-Of", "traceparent", "Accept-Language", "X-Other"):
        for value in (b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b"9" * 4400):
            answer = await send(bus.port, _post(b"/services/desk/v1/read", body, JSON, token, (name, value)))
            assert answer.status < 500, (name, value[:10], answer.body)
    log = bus.gateway.log.read_text()
    await bus.unserve(adapter)
    assert '"event":"internal error"' not in log
