"""Folders that are somewhere else: a bucket of S3, a folder behind SFTP."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import folders
from support.national import CATALOG, call
from support.office import polled_often
from support.sftp import shared

from lgsp_adapters import manifest
from lgsp_adapters.adapter import Adapter, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_problems import Refusal

HEADING = "Số giấy phép;Chủ đầu tư;Địa điểm xây dựng;Số tầng;Ngày cấp;Tình trạng\n"
GOOD = "7/2025/GPXD;Trần Thị Bình;Phường Bãi Cháy;{};01/02/2025;Còn hiệu lực\n"

Put = Callable[[str, str], Awaitable[None]]
Get = Callable[[str], Awaitable[dict[str, Any]]]
Elsewhere = tuple[dict[str, Any], Put, Get]


@asynccontextmanager
async def bucket(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    async with folders.s3(tmp_path) as there:

        async def get(name: str) -> dict[str, Any]:
            report: dict[str, Any] = json.loads(await there.get(name) or b"{}")
            return report

        yield there.connection, there.put, get


@asynccontextmanager
async def share(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    dropped = iter(range(1000))

    async def put(name: str, content: str) -> None:
        (tmp_path / name).write_text(content)
        lately = time.time() - 100 + next(dropped)
        os.utime(tmp_path / name, (lately, lately))

    async def get(name: str) -> dict[str, Any]:
        path = tmp_path / name
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    async with shared(tmp_path) as there:
        yield {"folder": there.url, "key": there.key, "known-hosts": there.known_hosts}, put, get


def _adapter(connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Adapter:
    monkeypatch.setenv("LGSP_CONSTRUCTION_PERMITS_FOLDER", "")
    found = polled_often(manifest.load(manifest.find_manifest("construction-permits")))
    return build_adapter(
        replace(found, connection={**found.connection, **connection}), CATALOG["construction-permits", 1]
    )


async def _floors(adapter: Adapter) -> int:
    method = adapter.method("lookup-permit")
    assert method
    floors: int = (await method({"soGiayPhep": "7/2025/GPXD"}, call()))["soTang"]
    return floors


@pytest.mark.parametrize("where", [bucket, share])
async def test_the_newest_drop_answers_from_elsewhere(
    where: Callable[[Path], AbstractAsyncContextManager[Elsewhere]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with where(tmp_path) as (connection, put, get):
        adapter = _adapter(connection, monkeypatch)
        await put("other.txt", "x")
        await put("a.csv", HEADING + GOOD.format(3))
        await adapter.open()
        async with asyncio.timeout(20):
            while "file" not in adapter.standing()["data"]:  # it was not listed at once
                await asyncio.sleep(0.02)
        assert await _floors(adapter) == 3
        assert (await get("a.csv.report.json"))["taken"]
        await adapter.close()
        await put("b.csv", HEADING + GOOD.format(900))
        adapter = _adapter(connection, monkeypatch)
        await adapter.open()
        async with asyncio.timeout(20):
            while not (report := await get("b.csv.report.json")):
                await asyncio.sleep(0.05)
        assert (report["taken"], report["faults"][0]["row"]) == (False, 1)
        await adapter.close()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            {"folder": "s3://giay-phep/x", "key": "k", "secret": "s", "region": "r", "endpoint": "http://127.0.0.1:1"},
            "",
        ),
        ({"folder": "sftp://lgsp@127.0.0.1:1/", "password": "p", "known-hosts": "x ssh-ed25519 " + "A" * 68}, ""),
        ({"folder": "ftp://a/b"}, "a folder at ftp:// cannot be read; name a path, s3:// or sftp://"),
        ({"folder": "sftp://a:b@c/d", "known-hosts": "", "key": ""}, "without a password"),
        ({"folder": "sftp://a@c/d", "key": "x"}, "SFTP needs known-hosts"),
        ({"folder": "sftp://a@c/d", "key": "x", "known-hosts": ""}, "cannot be read"),
    ],
)
async def test_a_folder_that_is_not_there(told: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why:
        with pytest.raises(Refusal, match=why):
            _adapter(told, monkeypatch)
        return
    adapter = _adapter(told, monkeypatch)
    await adapter.open()
    with pytest.raises(UpstreamFailed) as failed:
        await _floors(adapter)
    assert failed.value.why == "unreachable"
    await adapter.close()


async def test_a_server_that_is_another_is_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shared(tmp_path) as there, shared(tmp_path) as other:
        (tmp_path / "a.csv").write_text(HEADING + GOOD.format(3))
        os.utime(tmp_path / "a.csv", (1, 1))
        port = there.url.rsplit(":", 1)[1].rstrip("/")
        wrong = other.known_hosts.replace(other.url.rsplit(":", 1)[1].rstrip("/"), port)
        adapter = _adapter({"folder": there.url, "key": there.key, "known-hosts": wrong}, monkeypatch)
        await adapter.open()
        with pytest.raises(UpstreamFailed):
            await _floors(adapter)
        await adapter.close()
