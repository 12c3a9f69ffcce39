"""Turns the response of an endpoint, or the error of a request, into a `SendResult`."""

import email.utils
import time
from http import HTTPStatus

import aiohttp
from aiohttp.http import HttpProcessingError

from lgsp_gateway.delivery.webhooks.channel import Response
from lgsp_gateway.delivery.webhooks.egress_addresses import AddressForbidden
from lgsp_gateway.delivery.webhooks.egress_urls import address_not_allowed
from lgsp_gateway.delivery.webhooks.send_result import Delivered, Failed, FailureReason, Gone, Refused, SendResult

MAX_RETRY_AFTER = 3600.0
"""Seconds that an endpoint may ask to be left alone for at a time."""


def result_of_response(response: Response) -> SendResult:
    """Return what the status of a response says."""
    status, retry_after, ms = response
    if 200 <= status < 300:
        return Delivered(status, ms)
    if status == HTTPStatus.GONE:
        return Gone(ms)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return Failed(FailureReason.TOO_BUSY, status, _parse_retry_after(retry_after), ms)
    reasons = {
        3: FailureReason.REDIRECT,
        4: FailureReason.CLIENT_ERROR,
        5: FailureReason.SERVER_ERROR,
    }
    return Failed(reasons.get(status // 100, FailureReason.UNEXPECTED_STATUS), status, ms=ms)


_REASONS: tuple[
    tuple[type[Exception], FailureReason], ...
] = (  # the first that fits: subclasses stand before their bases
    (aiohttp.ClientConnectorDNSError, FailureReason.NAME_NOT_FOUND),
    (aiohttp.ClientConnectorCertificateError, FailureReason.BAD_CERTIFICATE),
    (aiohttp.ClientSSLError, FailureReason.TLS_FAILED),
    (aiohttp.ClientConnectorError, FailureReason.UNREACHABLE),
    (aiohttp.ConnectionTimeoutError, FailureReason.UNREACHABLE),
    (TimeoutError, FailureReason.TIMEOUT),
    (HttpProcessingError, FailureReason.MALFORMED_RESPONSE),
    (Exception, FailureReason.CONNECTION_LOST),
)


def result_of_error(error: Exception, ms: float) -> SendResult:
    """Return what an error of aiohttp, or a `TimeoutError`, says.

    Args:
        ms: milliseconds after which it was raised.
    """
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressForbidden):
        return Refused(address_not_allowed(encrypted=error.ssl is not False).detail)
    return Failed(next(reason for kind, reason in _REASONS if isinstance(error, kind)), ms=ms)


def _parse_retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After, a number or a date (RFC 9110), at most `MAX_RETRY_AFTER`; None for anything else."""
    if text.isascii() and text.isdecimal():
        seconds = float(text[:10])
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None
