"""Carries out a call at once: a request to the provider's adapter over NATS, and its reply, in wire protocol 1."""

import time

from lgsp_contracts import wire
from lgsp_contracts.contract import Operation
from lgsp_contracts.message_checks import broken_answer
from lgsp_gateway.calls.execution.port import DeclaredError, Execution
from lgsp_problems import ProviderLimitReached, Refusal, RequestUnfit
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable


class RequestReply:
    """Carries out calls by asking the adapter and waiting for it.

    Args:
        bus: where adapters are asked.
    """

    def __init__(self, bus: NatsRequestReply) -> None:
        self._bus = bus

    @property
    def is_available(self) -> bool:
        """Tell whether NATS is connected."""
        return self._bus.connected

    async def execute(self, execution: Execution) -> bytes:
        """Ask the adapter; see `ExecutionPort`."""
        request, consumer, authorized, body, key = execution
        operation = authorized.operation
        context = wire.Context(
            message=request.message,
            consumer=consumer.name,
            agency=consumer.agency,
            purpose=request.head.target.purpose,
            version=authorized.contract.version,
            deadline=int((time.time() + operation.timeout) * 1000),
            traceparent=request.traceparent,
            key=key,
            salt=request.salt.hex(),
        )
        repeatable = operation.idempotent or bool(key and operation.deduplicated)
        data = await self._bus.request(
            authorized.subject, wire.request(context, body), operation.timeout, repeatable=repeatable
        )
        return _document_of(operation, wire.parse_reply(data))


def _document_of(operation: Operation, reply: wire.Reply | None) -> bytes:
    """Return the document of a reply.

    Raises:
        Refusal: an error that the contract declares, `provider-timeout`, `provider-failed`, `provider-broke-contract`,
            `provider-limit-reached`, `bus-unavailable`.
    """
    if reply is None:
        raise broken_answer("the reply is not wire protocol 1")
    if reply.status == "answered":
        return reply.body
    if reply.status == "error":
        declared = operation.errors.get(reply.code)
        if declared is None:
            raise broken_answer("the reply names an error that the contract does not declare")
        raise DeclaredError(reply.code, kind=declared, vi=f"{declared.title.vi}.", en=f"{declared.title.en}.")
    if reply.status == "late":
        raise Refusal(
            "provider-timeout",
            vi="Hệ thống cung cấp không trả lời bộ kết nối trong thời hạn của hợp đồng; hãy thử lại sau;"
            " nếu thao tác thay đổi dữ liệu, hãy dùng lại đúng Idempotency-Key đó.",
            en="The provider's system did not answer its adapter within the time its contract gives; try again later,"
            " where the operation changes something, with the same Idempotency-Key.",
        )
    if reply.code == "unfit":
        raise RequestUnfit(
            vi="Hệ thống cung cấp không nhận được một giá trị của yêu cầu (ký tự điều khiển, số quá lớn, ngày không có);"
            " chưa có gì được gửi đi, hãy sửa giá trị đó.",
            en="The provider's system cannot be sent a value of this request (a control character, a number too large, a day that is none);"
            " nothing was sent, mend that value.",
        )
    if reply.code == "limited":
        retry_after = reply.retry_after or 1
        raise ProviderLimitReached(
            vi="Hạn mức mà hệ thống cung cấp dành cho tỉnh đã dùng hết nên yêu cầu chưa được thực hiện;"
            f" hãy thử lại sau {retry_after} giây.",
            en="The limit that the provider's system sets for the province is reached, so the request was not carried out;"
            f" try again in {retry_after} seconds.",
            retry_after=retry_after,
        )
    if reply.code == "uncounted":
        raise bus_unavailable()
    raise Refusal(
        "provider-failed",
        vi="Bộ kết nối không lấy được kết quả từ hệ thống cung cấp; hãy thử lại sau, hoặc báo cho đơn vị vận hành trục.",
        en="The adapter got no result from the provider's system; try again later, or tell the operator of the bus.",
        private=f"adapter: {reply.code[:40]}",
    )
