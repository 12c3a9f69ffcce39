"""A bucket of S3, or of a compatible store. Objects appear whole, and each change has another tag.

botocore, since it lists keys as they are: obstore refuses a whole listing for one key with an empty or a dotted part, or a control
character, so anybody who may put one object could stop an import (tried in November 2026).
"""

import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.session import get_session

from lgsp_adapters.inboxes.inbox_file import (
    LIST_SECONDS,
    MAX_LISTED,
    MAX_SIDECAR_BYTES,
    FileNotReadyError,
    InboxFile,
    InboxUnavailableError,
    Listing,
    is_inbox_file,
    sidecar_name,
)
from lgsp_adapters.inboxes.worker_thread import WorkerThread
from lgsp_adapters.tabular.limits import MAX_BYTES, UnreadableFileError

CONNECT_SECONDS = 5
READ_SECONDS = 15
TRIES = 2
FETCH_SECONDS = 50.0
"""For one object, however slowly it comes."""

_CHUNK = 1024 * 1024
_GONE = (BotoCoreError, ClientError, HTTPClientError, OSError)
_ABSENT = ("404", "NoSuchKey", "NotFound")
_FORBIDDEN = ("403", "AccessDenied", "InvalidObjectState")


class S3Inbox:
    """The objects under a prefix.

    Args:
        address: `s3://BUCKET/PREFIX`.
        connection: `key` and `secret`, and `region` or `endpoint` where they are others than the usual AWS_ variables say.
    """

    stable_seconds = 0.0

    def __init__(self, address: str, connection: Mapping[str, Any], *, poll_seconds: float = 5.0) -> None:
        self.poll_seconds = poll_seconds
        parts = urlsplit(address)
        self._bucket = parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._connection = connection
        self._thread = WorkerThread()
        self._s3_client: Any = None

    def _client(self) -> Any:
        if self._s3_client is None:
            settings = {name: str(value) for name, value in self._connection.items() if isinstance(value, (str, int))}
            config = Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": TRIES, "mode": "standard"},
                request_checksum_calculation="when_required",  # compatible stores may lack the newer ones
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if "endpoint" in settings else {},
            )
            self._s3_client = get_session().create_client(
                "s3",
                aws_access_key_id=settings.get("key"),
                aws_secret_access_key=settings.get("secret"),
                region_name=settings.get("region"),
                endpoint_url=settings.get("endpoint"),
                config=config,
            )
        return self._s3_client

    async def listing(self, pattern: str, most: int = 0) -> Listing:
        """List the objects whose names match a pattern, without those in deeper folders."""
        return await self._thread.run(self._listing, pattern, most)

    def _listing(self, pattern: str, most: int) -> Listing:
        listing, seen, until = Listing(most), 0, time.monotonic() + LIST_SECONDS
        parameters: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix, "Delimiter": "/"}
        while True:
            try:
                page = self._client().list_objects_v2(**parameters)
            except _GONE as error:
                raise InboxUnavailableError(_name(error)) from error
            for entry in page.get("CommonPrefixes", ()):
                part = str(entry["Prefix"]).removeprefix(self._prefix)
                if part in ("/", "./", "../"):
                    listing.reject(part, "objects whose key has an empty or a dotted part; give them another key")
            for entry in page.get("Contents", ()):
                name = str(entry["Key"]).removeprefix(self._prefix)
                if is_inbox_file(name, pattern):
                    modified = entry["LastModified"].timestamp()
                    listing.add(InboxFile(name, str(entry.get("ETag") or modified), modified, int(entry["Size"])))
            seen += len(page.get("Contents", ())) + len(page.get("CommonPrefixes", ()))
            if seen > MAX_LISTED:
                raise InboxUnavailableError(f"it holds more than {MAX_LISTED} objects; move old ones away")
            token = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not token:
                return listing
            if token == parameters.get("ContinuationToken") or time.monotonic() > until:
                raise InboxUnavailableError(f"it is not listed within {LIST_SECONDS:g} seconds")
            parameters["ContinuationToken"] = token

    @asynccontextmanager
    async def opened(self, inbox_file: InboxFile) -> AsyncIterator[BinaryIO]:
        """Open a copy of an object."""
        if inbox_file.size > MAX_BYTES:
            raise UnreadableFileError(f"it is larger than {MAX_BYTES // 1024**2} MiB")
        with tempfile.TemporaryFile() as file:
            await self._thread.run(self._fetch, inbox_file, file)
            file.seek(0)
            yield file

    def _fetch(self, inbox_file: InboxFile, file: BinaryIO) -> None:
        until = time.monotonic() + FETCH_SECONDS
        condition = {"IfMatch": inbox_file.stamp} if inbox_file.stamp.startswith('"') else {}
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=self._prefix + inbox_file.name, **condition)
            received = 0
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                received += file.write(chunk)
                if received > inbox_file.size or time.monotonic() > until:
                    raise FileNotReadyError
        except _GONE as error:
            if isinstance(error, ClientError) and _code(error) in _FORBIDDEN:
                raise UnreadableFileError(f"it cannot be opened ({_code(error)})") from error
            raise FileNotReadyError from error
        file.flush()

    async def read_sidecar(self, inbox_file: InboxFile, ending: str) -> bytes | None:
        """Read the sidecar of an object, or None."""
        return await self._thread.run(self._read_object, self._prefix + sidecar_name(inbox_file.name, ending))

    def _read_object(self, key: str) -> bytes | None:
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=key)
            content = bytes(answer["Body"].read(MAX_SIDECAR_BYTES + 1))
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise InboxUnavailableError(_name(error)) from error
        except _GONE as error:
            raise InboxUnavailableError(_name(error)) from error
        return content if len(content) <= MAX_SIDECAR_BYTES else None

    async def write_sidecar(self, inbox_file: InboxFile, ending: str, content: bytes) -> None:
        """Write the sidecar of an object."""
        await self._thread.run(self._write, self._prefix + sidecar_name(inbox_file.name, ending), content)

    def _write(self, key: str, content: bytes) -> None:
        try:
            self._client().put_object(Bucket=self._bucket, Key=key, Body=content, ContentType="application/json")
        except _GONE as error:
            raise InboxUnavailableError(_name(error)) from error

    async def close(self) -> None:
        """Release the thread."""
        self._thread.close()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _name(error: Exception) -> str:
    """Name an error without the key that was requested."""
    code = _code(error) if isinstance(error, ClientError) else ""
    return f"{type(error).__name__} {code}".strip()
