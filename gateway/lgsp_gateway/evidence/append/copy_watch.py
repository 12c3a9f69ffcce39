"""Notices that this gateway is a copy that runs beside its living original, and keeps it from signing checkpoints of the same name.

A copied disk or a cloned machine has the keys and the logs of a bus. Started beside the original it would sign other entries under the same
origin: two logs of one name, of which nobody could say which is true. So each gateway asks, at its start and again and again, who answers at its public URL. It is told the
origin and a random name of the process that answered, signed by the key of the logs. A process of this bus hears its name on NATS; one with our key
that is not on our NATS is the original, or whatever has taken its place.

Where the public URL cannot be reached, nothing is noticed here; a witness notices a log that forks (`lgsp evidence witness`).
"""

import asyncio
import secrets

import aiohttp
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from lgsp_gateway.evidence.verify.instance_note import InstanceNote
from lgsp_gateway.evidence.verify.signers import LogSigner, publics_of
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.background import Background

ROUTE = "/evidence/instance"
NONCE = "nonce"
EVERY_SECONDS = 10.0
ANSWER_SECONDS = 2.0
START_TRIES = 3
"""How often a start asks before it believes that it is a copy: a gateway of this bus may have lost NATS for a moment."""
MAX_ANSWER_BYTES = 4096
_SUBJECT = "gateway-processes."


class CopyWatch:
    """Tells who this process is, and asks who answers at the public URL.

    Args:
        signer: of this gateway's log.
        public_url: where callers reach the bus.
    """

    def __init__(self, connection: Client, signer: LogSigner, public_url: str) -> None:
        self._connection = connection
        self._signer = signer
        self._url = public_url.rstrip("/")
        self._process = secrets.token_hex(16)
        self._warned = False

    async def start(self, background: Background) -> None:
        """Answer to the name of this process on NATS, and ask who else there is, from now on.

        Raises:
            Refusal: `cannot-start`, when this is a copy.
        """
        await self._connection.subscribe(_SUBJECT + self._process, cb=background.guard("process name", self._answer))
        await self._connection.flush()
        tries = 1
        while await self.is_copy():
            if tries == START_TRIES:
                raise self._copy()
            tries += 1
            await asyncio.sleep(1)
        background.run_every("copy watch", EVERY_SECONDS, self._look, within=None, at_once=False, essential=True)

    def note(self, nonce: str) -> str:
        """Return who this process is, signed.

        Args:
            nonce: chosen by whoever asks, so that an answer cannot be used again.
        """
        return InstanceNote(self._signer.key.name, self._process, nonce).signed(self._signer)

    async def is_copy(self) -> bool:
        """Tell whether another bus with the key and the name of this log answers at the public URL."""
        answered = await self._ask()
        if answered is None or answered.process == self._process:
            return False
        try:
            await self._connection.request(_SUBJECT + answered.process, b"", timeout=ANSWER_SECONDS)
        except NoRespondersError:
            pass
        except (NatsError, OSError):
            return False  # this process has lost NATS itself
        else:
            return False
        if answered.domain != InstanceNote(self._signer.key.name, "", "").domain:
            if not self._warned:
                self._warned = True
                structlog.get_logger().warning(
                    "another bus with these keys answers at the public URL", log=answered.origin
                )
            return False
        return True

    async def _ask(self) -> InstanceNote | None:
        """Ask who answers at the public URL; None where nobody does who has the key of the logs."""
        nonce = secrets.token_hex(16)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            # The signature says who it is: certificates, of whatever authority, are not needed for that.
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{self._url}{ROUTE}", params={NONCE: nonce}, ssl=False, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    return None
                content = await answer.content.read(MAX_ANSWER_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None
        publics = publics_of(self._signer.key.public, self._signer.successions)
        return InstanceNote.verified(content.decode("utf-8", "replace"), nonce, publics)

    async def _look(self) -> None:
        if await self.is_copy():
            raise self._copy()

    @staticmethod
    async def _answer(message: Msg) -> None:
        await message.respond(b"")

    def _copy(self) -> Refusal:
        return CannotStart(
            vi=f"Ở {self._url} đang có một trục khác ký nhật ký {self._signer.key.name} bằng cùng khóa, nên bản này là bản chép và không ký; hãy dừng một trong hai, hoặc dựng lại bản này bằng `lgsp restore`.",
            en=f"Another bus at {self._url} signs the log {self._signer.key.name} with the same key, so this one is a copy and does not sign; stop one of the two, or make this one anew by `lgsp restore`.",
        )
