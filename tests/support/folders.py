"""The three kinds of folders as an office and as an attacker see them: what is put there, and what stands there then."""

import asyncio
import functools
import json
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.sftp import shared
from support.waits import eventually

WITHIN = 20


class Place:
    """A folder.

    Args:
        connection: what a manifest says of it.
    """

    names_are_bytes = True

    def __init__(self, connection: dict[str, Any]) -> None:
        self.connection = connection

    async def put(self, name: str, content: str | bytes) -> None:
        raise NotImplementedError

    async def get(self, name: str) -> bytes | None:
        raise NotImplementedError

    async def names(self) -> list[str]:
        raise NotImplementedError

    async def report(self, name: str, *, until: str = "rows") -> dict[str, Any]:
        """The report on a file, once it says something."""
        async with asyncio.timeout(WITHIN):
            while True:
                found = await self.get(f"{name}.report.json")
                said: dict[str, Any] = json.loads(found) if found else {}
                if until in said:
                    return said
                await asyncio.sleep(0.05)


class OnDisk(Place):
    """A folder of this machine, reached by its path or by SFTP."""

    def __init__(self, connection: dict[str, Any], path: Path) -> None:
        super().__init__(connection)
        self.path = path
        self._dropped = 0

    async def put(self, name: str, content: str | bytes) -> None:
        self._dropped += 1
        lately = time.time() - 1000 + self._dropped
        part = self.path / ".putting"
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(part, (lately, lately))
        part.rename(self.path / name)

    async def get(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    async def names(self) -> list[str]:
        return [path.name for path in self.path.iterdir()]


class Bucket(Place):
    names_are_bytes = False

    def __init__(self, connection: dict[str, Any], client: Any, bucket: str) -> None:
        super().__init__(connection)
        self._client = client
        self._bucket = bucket
        self._dropped = 0

    async def put(self, name: str, content: str | bytes) -> None:
        await eventually(lambda: int(time.time()) != self._dropped)
        await self.put_key(f"xuat/{name}", content)
        self._dropped = int(time.time())

    async def put_key(self, key: str, content: str | bytes) -> None:
        body = content if isinstance(content, bytes) else content.encode()
        await asyncio.to_thread(self._client.put_object, Bucket=self._bucket, Key=key, Body=body)

    async def get(self, name: str) -> bytes | None:
        missing = self._client.exceptions.ClientError
        try:
            found = await asyncio.to_thread(self._client.get_object, Bucket=self._bucket, Key=f"xuat/{name}")
        except missing:  # it is not there yet
            return None
        return bytes(found["Body"].read())

    async def names(self) -> list[str]:
        found = await asyncio.to_thread(self._client.list_objects_v2, Bucket=self._bucket, Prefix="xuat/")
        return [str(told["Key"]).removeprefix("xuat/") for told in found.get("Contents", ())]


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[OnDisk]:
    path = folder / "drops"
    path.mkdir(exist_ok=True)
    yield OnDisk({"folder": str(path)}, path)


@asynccontextmanager
async def sftp(folder: Path) -> AsyncIterator[OnDisk]:
    path = folder / "drops"
    path.mkdir(exist_ok=True)
    async with shared(path) as there:
        yield OnDisk({"folder": there.url, "key": there.key, "known-hosts": there.known_hosts}, path)


@functools.cache
def _s3_server() -> str:
    """The address of an S3 that ends with the tests."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a second of a core, which each process of a run would pay

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@asynccontextmanager
async def s3(_folder: Path) -> AsyncIterator[Bucket]:
    bucket = f"giay-phep-{secrets.token_hex(8)}"
    told = {"key": "k", "secret": "s", "region": "us-east-1", "endpoint": await asyncio.to_thread(_s3_server)}
    import boto3  # noqa: PLC0415 - as moto

    client: Any = boto3.client(
        "s3", aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1", endpoint_url=told["endpoint"]
    )
    await asyncio.to_thread(client.create_bucket, Bucket=bucket)
    yield Bucket({"folder": f"s3://{bucket}/xuat", **told}, client, bucket)
