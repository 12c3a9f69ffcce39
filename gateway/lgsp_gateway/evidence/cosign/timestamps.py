"""Timestamps (RFC 3161): an authority that others trust certifies when a checkpoint existed.

A background task requests one every `EVERY_SECONDS`: no call waits for it, and after the authority was away the next checkpoint that
it stamps covers all before it.
"""

import datetime
from pathlib import Path

import aiohttp
from cryptography import x509
from nats.aio.client import Client
from rfc3161_client import TimestampRequestBuilder, VerificationError, VerifierBuilder, decode_timestamp_response

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.read import checkpoint_stream
from lgsp_gateway.evidence.verify.cosignature import TIMESTAMP, Cosignature
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import NatsRequestReply

EVERY_SECONDS = 60.0
ANSWER_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024


class Timestamps:
    """Requests timestamps of one gateway's checkpoints.

    Args:
        url: of the authority (RFC 3161 over HTTP).
    """

    def __init__(self, bus: NatsRequestReply, connection: Client, gateway: GatewayName, url: str) -> None:
        self._bus = bus
        self._connection = connection
        self._gateway = gateway
        self._url = url
        self._stamped_note = ""

    def pause(self) -> float:
        """Return the seconds until the next request."""
        return EVERY_SECONDS if self._stamped_note else 1

    async def request(self) -> None:
        """Request and store a timestamp of the last checkpoint, where it has none yet.

        Raises:
            Exception: whatever went wrong, so that the background task is reported as failed.
        """
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session:
            await self._request_timestamp(session)

    async def _request_timestamp(self, session: aiohttp.ClientSession) -> None:
        last = await checkpoint_stream.last(self._connection, self._gateway)
        if last is None or last.record.note == self._stamped_note:
            return
        note = last.record.note
        query = TimestampRequestBuilder().data(note.encode()).build()
        headers = {"Content-Type": "application/timestamp-query"}
        async with session.post(self._url, data=query.as_bytes(), headers=headers, allow_redirects=False) as answer:
            reply = await answer.content.read(MAX_ANSWER_BYTES)
            if answer.status != 200 or decode_timestamp_response(reply).status != 0:
                raise ValueError("the authority gave no timestamp")
        await cosignatures.store(self._bus, self._gateway, Cosignature(TIMESTAMP, note, reply))
        self._stamped_note = note


def stamped_at(cosignature: Cosignature, roots: Path) -> datetime.datetime:
    """Return the time at which an authority certifies that a checkpoint existed, after a check of its signature.

    Args:
        cosignature: a timestamp of the checkpoint.
        roots: the certificates (PEM) of the authorities that are trusted.

    Raises:
        Refusal: `evidence-forged`; when the timestamp is not by one of these authorities or not of this checkpoint; `malformed`, when the certificates cannot be read.
    """
    try:
        certificates = x509.load_pem_x509_certificates(roots.read_bytes())
    except (OSError, ValueError) as error:
        raise Refusal(
            "malformed",
            vi=f"Không đọc được chứng thư ở {roots}: {error}; hãy chỉ một tệp PEM.",
            en=f"Cannot read the certificates in {roots}: {error}; name a PEM file.",
        ) from error
    builder = VerifierBuilder()
    for certificate in certificates:
        builder = builder.add_root_certificate(certificate)
    try:
        answer = decode_timestamp_response(cosignature.timestamp)
        builder.build().verify_message(answer, cosignature.note.encode())
    except (VerificationError, ValueError) as error:
        raise evidence_forged(
            "dấu thời gian không do tổ chức này cấp", "the timestamp is not by this authority"
        ) from error
    return answer.tst_info.gen_time
