"""Keeps the content of files in a bucket of S3, or of another object store that obstore supports.

Each chunk is an object of its own: an upload that is interrupted leaves no multipart upload behind, and any gateway goes on with it.
"""

from collections.abc import Collection

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from lgsp_gateway.delivery.files.file_store import storage_unavailable
from lgsp_problems import CannotStart


class BucketStore:
    """Chunks as objects of a bucket.

    Args:
        address: such as `s3://BUCKET/PREFIX`, with the usual AWS_ variables.

    Raises:
        CannotStart: the address is not that of a bucket.
    """

    chunk_bytes = 4 * 1024 * 1024

    def __init__(self, address: str) -> None:
        try:
            self._store = from_url(address)
        except (BaseError, ValueError) as error:
            raise CannotStart(
                vi=f"{address} không phải địa chỉ kho tệp; hãy dùng dạng s3://BUCKET/PREFIX và các biến AWS_.",
                en=f"{address} is no address of a file store; write s3://BUCKET/PREFIX and set the AWS_ variables.",
            ) from error

    async def refuse_if_short(self, size: int) -> None:
        """Refuse nothing: an object store grows; see `FileStore`."""

    async def put(self, file: str, chunk: str, content: bytes) -> None:
        """Store a chunk; see `FileStore`."""
        try:
            await obstore.put_async(self._store, f"{file}/{chunk}", content, use_multipart=False)
        except (BaseError, OSError) as error:
            raise storage_unavailable(error) from error

    async def get(self, file: str, chunk: str) -> bytes | None:
        """Read a chunk; see `FileStore`."""
        try:
            result = await obstore.get_async(self._store, f"{file}/{chunk}")
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise storage_unavailable(error) from error

    async def delete(self, file: str, *, keep: Collection[str] = ()) -> None:
        """Delete chunks; see `FileStore`."""
        kept = {f"{file}/{chunk}" for chunk in keep}
        try:
            async for page in obstore.list(self._store, f"{file}/"):
                stale = [entry["path"] for entry in page if entry["path"] not in kept]
                if stale:
                    await obstore.delete_async(self._store, stale)
        except (BaseError, OSError) as error:
            raise storage_unavailable(error) from error

    async def delete_chunks(self, file: str, chunks: Collection[str]) -> None:
        """Delete chunks by their names; see `FileStore`."""
        try:
            await obstore.delete_async(self._store, [f"{file}/{chunk}" for chunk in chunks])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise storage_unavailable(error) from error
