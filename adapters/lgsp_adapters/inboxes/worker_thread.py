"""Work of a folder that blocks: in a thread of the folder's own, and never waited for without an end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from lgsp_adapters.inboxes.inbox_file import InboxUnavailableError

SECONDS = 60.0
"""A share that hangs holds its thread for as long as it likes; whoever waits gets an error after this."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class WorkerThread:
    """One thread, so that a folder that hangs takes none of those that others need."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """Do some work there.

        Raises:
            InboxUnavailableError: it takes too long.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "lgsp-folder")
        done = self._executor.submit(work, *args, **kwargs)
        try:
            async with asyncio.timeout(SECONDS):
                return await asyncio.wrap_future(done)
        except TimeoutError as error:
            raise InboxUnavailableError(f"it does not answer within {SECONDS:g} seconds") from error

    def close(self) -> None:
        """Shut down without waiting for the work in progress."""
        if self._executor:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
