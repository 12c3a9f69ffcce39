"""A bucket of S3, or of what speaks like it. Objects appear whole, and each change has another tag."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from lgsp_adapters.folders.folder import REPORT, Drop, FolderGone


class S3Folder:
    """The objects under a prefix.

    Args:
        address: `s3://BUCKET/PREFIX`.
        connection: `key` and `secret`, and `region` or `endpoint` where they are others than the usual AWS_ variables say.
    """

    look_seconds = 5.0
    settle_seconds = 0.0

    def __init__(self, address: str, connection: Mapping[str, Any]) -> None:
        names = {"key": "access_key_id", "secret": "secret_access_key", "region": "region", "endpoint": "endpoint"}
        told = {name: str(connection[key]) for key, name in names.items() if key in connection}
        patience: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
        options: Any = {"timeout": "30s", "connect_timeout": "5s"}
        # a server in the office's own network may have no certificate
        options["allow_http"] = told.get("endpoint", "").startswith("http://")
        config: Any = told
        self._store: Any = S3Store.from_url(address, config=config, client_options=options, retry_config=patience)

    async def drops(self, pattern: str) -> Sequence[Drop]:
        """The objects whose names match, those in deeper folders left out."""
        try:
            found = await obstore.list_with_delimiter_async(self._store)
        except (BaseError, OSError) as error:
            raise FolderGone(type(error).__name__) from None
        return [
            Drop(told["path"], told["e_tag"] or str(told["last_modified"]), told["last_modified"].timestamp())
            for told in found["objects"]
            if fnmatchcase(told["path"], pattern) and not told["path"].endswith(REPORT)
        ]

    @asynccontextmanager
    async def local(self, drop: Drop) -> AsyncIterator[Path]:
        """A copy of an object."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drop"
            try:
                with path.open("wb") as file:
                    async for chunk in (await obstore.get_async(self._store, drop.name)).stream():
                        file.write(bytes(chunk))
            except (BaseError, OSError) as error:
                raise FolderGone(type(error).__name__) from None
            yield path

    async def report(self, drop: Drop) -> bytes | None:
        """What was written beside an object, or None."""
        try:
            return bytes(await (await obstore.get_async(self._store, drop.name + REPORT)).bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise FolderGone(type(error).__name__) from None

    async def write_report(self, drop: Drop, content: bytes) -> None:
        """Write beside an object."""
        try:
            await obstore.put_async(self._store, drop.name + REPORT, content)
        except (BaseError, OSError) as error:
            raise FolderGone(type(error).__name__) from None

    async def close(self) -> None:
        """Nothing is held."""
