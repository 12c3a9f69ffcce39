"""Which URLs and addresses webhooks may be sent to."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.egress_urls import EgressUrls, UrlNotAllowed
from lgsp_gateway.delivery.webhooks.resolver import WebhookResolvers
from lgsp_runtime.listed_networks import parse_networks

INTERNAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fe80::1%eth0",
    "not an address",
]
PUBLIC = [
    "8.8.8.8",
    "113.160.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "2606:4700::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_not_allowed(address: str) -> None:
    assert not EgressAddresses().allows(address, 443, encrypted=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed_by_https_only(address: str) -> None:
    assert EgressAddresses().allows(address, 443, encrypted=True)
    assert not EgressAddresses().allows(address, 443, encrypted=False)


def test_a_listed_network_is_allowed_and_its_neighbour_is_not() -> None:
    addresses = EgressAddresses(parse_networks(["10.20.0.0/16", "fd12::/32"]))
    for listed in ("10.20.1.1", "::ffff:10.20.1.1", "fd12::5"):
        assert addresses.allows(listed, 443, encrypted=True)
        assert addresses.allows(listed, 80, encrypted=False)
    for other in ("10.21.1.1", "fd13::5"):
        assert not addresses.allows(other, 443, encrypted=True)


@pytest.mark.parametrize("port", [22, 4222, 5432, 6379, 8443])
def test_a_listed_network_opens_the_ports_of_the_web_alone(port: int) -> None:
    addresses = EgressAddresses(parse_networks(["10.20.0.0/16"]))
    assert not addresses.allows("10.20.1.1", port, encrypted=True)
    assert not addresses.allows("::ffff:10.20.1.1", port, encrypted=False)
    with pytest.raises(UrlNotAllowed):
        EgressUrls(addresses).check(f"http://10.20.1.1:{port}/hook")


def test_an_entry_names_its_ports() -> None:
    text = "10.1.0.0/16:444,8443, 10.2.0.7:8000-8002,[fd12::/32]:9000,10.3.0.1"
    addresses = EgressAddresses(parse_networks([text]))
    open_ports = {
        "10.1.2.3": {444, 8443},
        "10.2.0.7": {8000, 8001, 8002},
        "fd12::1": {9000},
        "10.3.0.1": {80, 443},
        "10.2.0.8": set(),
    }
    ports = (80, 443, 444, 4222, 8000, 8001, 8002, 8003, 8443, 9000)
    for address, expected in open_ports.items():
        assert {port for port in ports if addresses.allows(address, port, encrypted=False)} == expected
    assert EgressUrls(addresses).check("https://hook.qn.vn:444/"), "the name may lead there; the socket is checked"


@pytest.mark.parametrize(
    "text", ["10.1.0.0/16,443", "10.1.0.0/16:", "10.1.0.0/16:0", "10.1.0.0/16:9-8", "443", "10.1/16:x"]
)
def test_an_entry_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|network"):
        parse_networks([text])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.vn/hook",
        "ftp://example.vn/",
        "https:/example.vn/",
        "https://user@example.vn/",
        "https://user:password@example.vn/",
        "https://example.vn@10.0.0.1/",
        "https://example.vn\\@10.0.0.1/",
        "https://example.vn/#part",
        "https://example.vn./",
        "https://.example.vn/",
        "https://exa mple.vn/",
        "https://example.vn/\r\nX: y",
        "https://example.vn/\x00",
        "https://ví-dụ.vn/",
        "https://ｅxample.vn/",
        "https://example。vn/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[v1.fe80::]/",
        "https://169.254.169.254/latest/meta-data",
        "https://%31%32%37.0.0.1/",
        "https://example.vn:22/",
        "https://example.vn:0/",
        "https://example.vn:70000/",
        "https://example.vn:080/",
        "https://example.vn:6667/",
        "https://example.vn:443:443/",
        "https://-example.vn/",
        "https://" + "a" * 64 + ".vn/",
        "https://example.vn/" + "a" * 2000,
        "",
        "//example.vn/",
        "file:///etc/passwd",
        "https://",
    ],
)
def test_odd_and_internal_urls_are_refused_with_a_sentence_in_both_languages(url: str) -> None:
    with pytest.raises(UrlNotAllowed) as refused:
        EgressUrls(EgressAddresses()).check(url)
    assert refused.value.code == "url-not-allowed"
    assert refused.value.detail.vi
    assert refused.value.detail.en
    assert "meta-data" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.vn",
        "https://example.vn/hook?token=a%20b",
        "HTTPS://Example.VN/Hook",
        "https://xn--v-d-qma.vn/",
        "https://example.vn:8443/a/b",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1]:8443/hook",
        "https://hook_1.example.vn/",
    ],
)
def test_plain_https_urls_are_allowed(url: str) -> None:
    checked = EgressUrls(EgressAddresses()).check(url)
    assert checked.scheme == "https"
    assert str(checked).lower().rstrip("/") == url.lower().rstrip("/")


def test_a_listed_network_may_be_reached_by_http_and_on_the_ports_that_it_names() -> None:
    urls = EgressUrls(EgressAddresses(parse_networks(["10.20.0.0/16:81"])))
    assert urls.check("http://10.20.1.1:81/hook").port == 81
    with pytest.raises(UrlNotAllowed):
        urls.check("http://10.21.1.1/hook")


async def test_a_name_that_leads_to_internal_addresses_alone_is_refused() -> None:
    resolvers = WebhookResolvers()
    resolver, urls = resolvers.of(SystemName("a")), EgressUrls(EgressAddresses())
    with pytest.raises(UrlNotAllowed):
        await urls.check_with_name("https://localhost/hook", resolver)
    assert await urls.check_with_name("https://no-such-name.invalid/hook", resolver)
    listed = EgressAddresses(parse_networks(["127.0.0.0/8:9000", "[::1]:9000"]))
    assert await EgressUrls(listed).check_with_name("http://localhost:9000/hook", resolver)
    resolvers.close()


async def test_names_that_nobody_answers_keep_no_other_system_waiting() -> None:
    answered = threading.Event()

    def look_up(host: str, port: int, **_: object) -> list[Any]:
        if host == "dead.example.vn":
            answered.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]

    resolvers = WebhookResolvers(look_up)
    dead = [asyncio.create_task(resolvers.of(SystemName("a")).resolve("dead.example.vn")) for _ in range(100)]
    async with asyncio.timeout(10):
        for task in dead[:50]:
            await asyncio.sleep(0)
            task.cancel()  # who gives up leaves a thread that waits still
        [found] = await resolvers.of(SystemName("b")).resolve("good.example.vn", 443)
        assert found["host"] == "192.0.2.1"
        answered.set()
        assert len(await asyncio.gather(*dead[50:])) == 50
    resolvers.close()
