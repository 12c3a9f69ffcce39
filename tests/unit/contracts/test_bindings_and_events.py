"""HTTP bindings and events of a contract: what is refused, what a new version may change, where they are shown."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from lgsp_contracts.compatibility import breaking_changes
from lgsp_contracts.contract import Contract
from lgsp_contracts.tooling.openapi import openapi
from lgsp_contracts.tooling.pages.page import service
from lgsp_problems import Refusal

Document = dict[str, Any]
Change = Callable[[Document], Any]
TITLE = {"vi": "Hồ sơ", "en": "Dossiers"}
CONTRACT: Document = {
    "service": "dossiers",
    "version": "1.0.0",
    "title": TITLE,
    "provider": "kho-ho-so",
    "classification": "internal",
    "operations": {
        "read-dossier": {
            "title": TITLE,
            "idempotent": True,
            "http": {"method": "GET", "path": "/dossiers/{maHoSo}/papers/{so}"},
            "request": {
                "type": "object",
                "required": ["maHoSo", "so"],
                "additionalProperties": False,
                "properties": {
                    "maHoSo": {"$ref": "#/$defs/code"},
                    "so": {"type": "integer"},
                    "dayDu": {"type": "boolean"},
                },
                "$defs": {"code": {"type": "string", "maxLength": 20}},
            },
            "response": {"type": "object", "properties": {"ketQua": {"type": "string"}}},
            "example": {"request": {"maHoSo": "a", "so": 1}, "response": {}},
        },
        "add-paper": {
            "title": TITLE,
            "async": {"deliveryDeadline": "72h", "answerRetention": "48h"},
            "http": {
                "method": "PUT",
                "path": "/dossiers/{maHoSo}/papers",
                "request": {"mediaTypes": ["application/pdf", "image/tiff"], "file": "/tep"},
            },
            "request": {
                "type": "object",
                "required": ["maHoSo", "tep"],
                "additionalProperties": False,
                "properties": {
                    "maHoSo": {"type": "string"},
                    "tep": {"type": "string", "format": "file-reference"},
                    "trang": {"type": "array", "items": {"type": "integer"}},
                },
            },
            "response": {"type": "object"},
            "example": {
                "request": {"maHoSo": "a", "tep": "/files/01a2b3c4-0000-7000-8000-00000000abcd"},
                "response": {},
            },
        },
    },
    "events": {
        "dossier-closed": {
            "title": TITLE,
            "classification": "personal",
            "subject": "/soDinhDanh",
            "orderingKey": "/soDinhDanh",
            "retention": "30d",
            "data": {
                "type": "object",
                "required": ["soDinhDanh"],
                "additionalProperties": False,
                "properties": {"soDinhDanh": {"type": "string", "format": "so-dinh-danh"}},
            },
            "example": {"soDinhDanh": "022093001234"},
        }
    },
}


def changed(*changes: Change) -> Document:
    document = copy.deepcopy(CONTRACT)
    for change in changes:
        change(document)
    return document


def http(document: Document, operation: str = "read-dossier") -> Document:
    told: Document = document["operations"][operation]["http"]
    return told


def fields(document: Document, operation: str = "read-dossier") -> Document:
    told: Document = document["operations"][operation]["request"]["properties"]
    return told


def event(document: Document) -> Document:
    told: Document = document["events"]["dossier-closed"]
    return told


def test_a_contract_says_how_else_it_is_called_and_what_it_announces() -> None:
    contract = Contract.from_document(CONTRACT)
    read, add = (contract.operations[name].http for name in ("read-dossier", "add-paper"))
    assert read is not None
    assert add is not None
    assert (read.method, read.parameters, read.request.media_types) == ("GET", ("maHoSo", "so"), ("application/json",))
    assert (add.request.media_types, add.request.file) == (("application/pdf", "image/tiff"), ("tep",))
    closed = contract.events["dossier-closed"]
    assert (closed.type, closed.classification) == ("lgsp.dossiers.v1.dossier-closed", "personal")
    assert closed.subject == (("soDinhDanh",),)


REFUSED: dict[str, tuple[Change, str]] = {
    "a method that is none": (lambda d: http(d).update(method="HEAD"), "/http/method: must be one of"),
    "a relative path": (lambda d: http(d).update(path="dossiers"), "/http/path: must match"),
    "a way up": (lambda d: http(d).update(path="/a/../b"), "/http/path: must match"),
    "half a parameter": (lambda d: http(d).update(path="/a/{b"), "/http/path: must match"),
    "a query": (lambda d: http(d).update(path="/a?b={maHoSo}"), "/http/path: must match"),
    "a parameter that is no field": (
        lambda d: http(d).update(path="/a/{ma}"),
        "the parameter ma must be a required field",
    ),
    "a parameter that may be missing": (lambda d: http(d).update(path="/a/{dayDu}"), "the parameter dayDu must be"),
    "a parameter twice": (lambda d: http(d).update(path="/{so}/{so}"), "the path has one parameter twice"),
    "a list in the query": (
        lambda d: fields(d).update(trang={"type": "array", "items": {"type": "integer"}}),
        "the field trang is part of the URL",
    ),
    "bytes without a file": (
        lambda d: http(d, "add-paper")["request"].pop("file"),
        "/http/request/file: content other than JSON",
    ),
    "a file that is no field": (lambda d: http(d, "add-paper")["request"].update(file="/x"), "must point to a field"),
    "a file that is no reference": (
        lambda d: http(d, "add-paper")["request"].update(file="/trang"),
        "must point to a field",
    ),
    "a media type that is none": (
        lambda d: http(d)["response"].update(mediaTypes=["pdf"]),
        "/mediaTypes/0: must match",
    ),
    "one path twice": (
        lambda d: (
            http(d, "add-paper").update(method="GET", path="/dossiers/{tep}/papers/{maHoSo}"),
            fields(d, "add-paper").pop("trang"),
        ),
        "/operations/add-paper/http: the operation read-dossier has this method and path already",
    ),
    "an event without data": (lambda d: event(d).pop("data"), "/events/dossier-closed/data: is required"),
    "an event that keeps no rule": (
        lambda d: event(d).update(example={}),
        "/example/soDinhDanh: the example is required",
    ),
    "an event type in spaces": (lambda d: event(d).update(type="a b"), "/events/dossier-closed/type: must match"),
    "a name that is none": (lambda d: d["events"].update(Closed=event(d)), "/events"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused(change: Change, words: str) -> None:
    document = changed(lambda d: http(d).update(response={}), change)
    with pytest.raises(Refusal) as refused:
        Contract.from_document(document, "dossiers.yaml")
    assert refused.value.code == "invalid-document"
    assert words in refused.value.detail.en
    assert refused.value.detail.vi != refused.value.detail.en


BREAKING: dict[str, tuple[Change, str, str]] = {
    "another method": (lambda d: http(d, "add-paper").update(method="POST"), "/operations/add-paper/http", "callers"),
    "another path": (
        lambda d: http(d).update(path="/dossier/{maHoSo}/{so}"),
        "/operations/read-dossier/http",
        "callers",
    ),
    "binding gone": (lambda d: d["operations"]["read-dossier"].pop("http"), "/operations/read-dossier/http", "callers"),
    "a media type less": (
        lambda d: http(d, "add-paper")["request"].update(mediaTypes=["application/pdf"]),
        "/operations/add-paper/http",
        "callers",
    ),
    "event gone": (lambda d: d.pop("events"), "/events/dossier-closed", "readers"),
    "event type": (lambda d: event(d).update(type="vn.dossier.closed"), "/events/dossier-closed/type", "readers"),
    "event in no order": (lambda d: event(d).pop("orderingKey"), "/events/dossier-closed/orderingKey", "readers"),
    "event kept shorter": (lambda d: event(d).update(retention="29d"), "/events/dossier-closed/retention", "readers"),
    "a value that is new to subscribers": (
        lambda d: event(d)["data"]["properties"]["soDinhDanh"].pop("format"),
        "/events/dossier-closed/data/properties/soDinhDanh/format",
        "readers",
    ),
    "no calls for later": (
        lambda d: d["operations"]["add-paper"].pop("async"),
        "/operations/add-paper/async",
        "callers",
    ),
    "calls for later tried shorter": (
        lambda d: d["operations"]["add-paper"]["async"].update(deliveryDeadline="71h"),
        "/operations/add-paper/async/deliveryDeadline",
        "callers",
    ),
    "answers kept shorter": (
        lambda d: d["operations"]["add-paper"]["async"].pop("answerRetention"),
        "/operations/add-paper/async/answerRetention",
        "callers",
    ),
    "event for fewer": (
        lambda d: event(d).update(recipient="/soDinhDanh"),
        "/events/dossier-closed/recipient",
        "readers",
    ),
    "event field not promised": (
        lambda d: event(d)["data"].pop("required"),
        "/events/dossier-closed/data/properties/soDinhDanh",
        "readers",
    ),
}


@pytest.mark.parametrize(("change", "pointer", "affected"), BREAKING.values(), ids=BREAKING)
def test_what_was_promised_stays(change: Change, pointer: str, affected: str) -> None:
    found = breaking_changes(Contract.from_document(CONTRACT), Contract.from_document(changed(change)))
    assert [(one.pointer, one.affected) for one in found] == [(pointer, affected)]


ALLOWED: dict[str, Change] = {
    "a field more": lambda d: event(d)["data"]["properties"].update(ngay={"type": "string"}),
    "an event that needs more of its publisher": lambda d: (
        event(d)["data"]["properties"].update(ngay={"type": "string"}),
        event(d)["data"].update(required=["soDinhDanh", "ngay"]),
        event(d).update(example={"soDinhDanh": "022093001234", "ngay": "x"}),
    ),
    "an event kept longer": lambda d: event(d).update(retention="31d"),
    "calls for later": lambda d: d["operations"]["read-dossier"].update({"async": {}}),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_what_subscribers_and_callers_need_not_notice_may_change(change: Change) -> None:
    assert breaking_changes(Contract.from_document(CONTRACT), Contract.from_document(changed(change))) == []


def test_a_binding_and_an_event_may_be_added() -> None:
    bare = changed(
        lambda d: d.pop("events"),
        *(lambda d, n=name: d["operations"][n].pop("http") for name in CONTRACT["operations"]),
    )
    assert breaking_changes(Contract.from_document(bare), Contract.from_document(CONTRACT)) == []


def test_a_binding_is_shown_as_what_is_not_served_yet() -> None:
    contract = Contract.from_document(CONTRACT)
    told = openapi(contract, "https://bus")
    assert set(told["paths"]) == {"/services/dossiers/v1/read-dossier", "/services/dossiers/v1/add-paper"}
    binding = told["paths"]["/services/dossiers/v1/add-paper"]["post"]["x-http-binding"]
    assert (binding["method"], binding["path"]) == ("PUT", "/dossiers/{maHoSo}/papers")
    assert binding["request"] == ["application/pdf", "image/tiff"]
    assert "not serve it yet" in binding["description"]
    page = service(contract, "https://bus", "en", inside=False)
    assert "<code>GET /dossiers/{maHoSo}/papers/{so}</code>; the bus does not serve it yet" in page


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_of_a_service_shows_its_events(language: Any) -> None:
    page = service(Contract.from_document(CONTRACT), "https://bus", language, inside=True)
    assert '<section id="event-dossier-closed">' in page
    assert "<code>lgsp.dossiers.v1.dossier-closed</code>" in page
    assert {"vi": "được lưu 30 ngày", "en": "kept for 30 days"}[language] in " ".join(page.split())
    assert "/events/dossiers/v1/dossier-closed" in page
    assert "&#34;events&#34;: [&#34;dossier-closed&#34;]" in page


def test_events_are_webhooks_of_the_openapi_document() -> None:
    described = openapi(Contract.from_document(CONTRACT), "https://bus")
    OpenAPIV31SpecValidator(described).validate()
    content = described["webhooks"]["dossier-closed"]["post"]["requestBody"]["content"]
    assert content["application/cloudevents+json"]["schema"]["properties"]["type"] == {
        "const": "lgsp.dossiers.v1.dossier-closed"
    }
    assert "required" not in described["components"]["schemas"]["dossier-closed.data"]


def test_only_calls_that_may_be_carried_out_later_are_described_so() -> None:
    described = openapi(Contract.from_document(CONTRACT), "https://bus")
    OpenAPIV31SpecValidator(described).validate()
    later, now = (described["paths"][f"/services/dossiers/v1/{name}"]["post"] for name in ("add-paper", "read-dossier"))
    assert ("202" in later["responses"], "202" in now["responses"]) == (True, False)
    assert {one["name"] for one in later["parameters"]} - {one["name"] for one in now["parameters"]} == {
        "Prefer",
        "Lgsp-Ordering-Key",
        "Lgsp-Priority",
        "Lgsp-Callback",
    }
