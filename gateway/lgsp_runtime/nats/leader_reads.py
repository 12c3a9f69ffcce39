"""Reads what a stream holds now, by its leader.

A direct get is answered by any server that has the stream, also by one that has not heard of the newest messages yet, or that a fault has cut
off from the others. What decides (was this delivered, was this key used, has this session ended?) is read by the leader.
"""

import base64

import orjson
from nats.js.client import JetStreamContext
from nats.js.kv import KeyValue

from lgsp_runtime.nats.protocol import decode_headers
from lgsp_runtime.nats.request_reply import bus_unavailable

_NO_MESSAGE = 10037
"""JetStream's error code: there is no such message."""


def subject_of(stream: str) -> str:
    """Return the subject of the API by which the leader of a stream is asked for a message."""
    return f"$JS.API.STREAM.MSG.GET.{stream}"


def last_of(subject: str) -> bytes:
    """Return the request for the last message of a subject, which may have wildcards."""
    return orjson.dumps({"last_by_subj": subject})


def read_reply(reply: bytes) -> tuple[dict[str, str], bytes] | None:
    """Read the leader's reply: headers and payload of the message, with what a direct get adds to its headers; None where there is none.

    Raises:
        Refusal: `bus-unavailable`, where JetStream cannot answer.
    """
    document = orjson.loads(reply)
    if error := document.get("error"):
        if error.get("err_code") == _NO_MESSAGE:
            return None
        raise bus_unavailable()
    message = document["message"]
    headers = decode_headers(base64.b64decode(message["hdrs"])) if "hdrs" in message else {}
    headers["Nats-Subject"], headers["Nats-Time-Stamp"] = message["subject"], message["time"]
    headers["Nats-Sequence"] = str(message["seq"])
    return headers, base64.b64decode(message.get("data", ""))


def open_bucket(jetstream: JetStreamContext, bucket: str) -> KeyValue:
    """Return a bucket that is there, whose keys are read by its leader; nats-py by itself takes direct gets where the stream allows them."""
    return KeyValue(name=bucket, stream=f"KV_{bucket}", pre=f"$KV.{bucket}.", js=jetstream, direct=False)
