"""Which addresses of systems a manifest may name."""

from pathlib import Path

import pytest

from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream.addresses import check_addresses
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal


def manifest(url: str) -> Manifest:
    return Manifest(SourceLocation("adapter.yaml"), {}, {"url": url}, Path())


@pytest.mark.parametrize(
    "url", ["", "api.example.vn", "127.0.0.1:8080", "ftp://api.example.vn", "https://", "http://a:b", "http://[", "//a"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="not an address of HTTP"):
        check_addresses(manifest(url))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://api.example.vn/v1", "HTTP://user:secret@a", "http://[::1]:1"]
)
def test_an_address(url: str) -> None:
    check_addresses(manifest(url))
