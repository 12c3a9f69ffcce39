"""Tokens of pulled events: those that a gateway made, and nothing else."""

import base64

import pytest

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.subscriptions.pull_tokens import PullTokens, Token

ONE = Token("01a22378-87cd-759d-bd9a-c8f8b9042ebb", 3, 12, "0a1b")
TOKENS = PullTokens(PayloadCipher(lambda: {1: b"k" * 32}))
OTHER_BUS = PullTokens(PayloadCipher(lambda: {1: b"o" * 32}))


def test_tokens_come_back_as_they_were_at_any_gateway() -> None:
    assert PullTokens(PayloadCipher(lambda: {1: b"k" * 32})).decode(TOKENS.encode(ONE)) == ONE


def forged(token: Token) -> str:
    return base64.urlsafe_b64encode(":".join(map(str, token)).encode()).decode()


@pytest.mark.parametrize(
    "text", ["", "x", "a:b", "////", "é", "YTpiOmM", TOKENS.encode(ONE)[:-3], forged(ONE), OTHER_BUS.encode(ONE)]
)
def test_what_no_gateway_made_is_none(text: str) -> None:
    assert TOKENS.decode(text) is None


@pytest.mark.parametrize("token", [Token("a", 0, 2**64, "a"), Token("a", 10**30, 1, "a")])
def test_numbers_that_no_gateway_hands_out_are_none(token: Token) -> None:
    assert TOKENS.decode(TOKENS.encode(token)) is None
