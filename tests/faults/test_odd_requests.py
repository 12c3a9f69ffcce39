"""What a gateway makes of odd requests does not depend on the fast path: alone, before a call, behind one, and in one piece with calls.

The answers, whether each ends the connection, whether the next request is answered, and which calls were made are the same with the fast path on
and off. `DIFFERENT` lists what is not, with the reason; and where all arrives in one piece, what is malformed takes the requests before it along with the fast path
off, since aiohttp parses all of it before it answers any.
"""

import asyncio

import pytest
from support.odd_requests import ODD, ORDINARY, written
from support.on_and_off import OnAndOff, Outcome, alike, on_and_off
from support.request_streams import END

__all__ = ["on_and_off"]

ARRANGEMENTS = {
    "alone": ((), ()),
    "before a call": ((), (ORDINARY,)),
    "behind a call": ((ORDINARY,), ()),
}
"""What is sent before and after it, each request when the one before is answered."""

DIFFERENT = {
    "document longer than it says": "what follows the document in the same piece is malformed, which with the fast path off takes the call along",
}
"""By the odd request: why the two ways differ, however it is sent."""


async def _outcomes(two: OnAndOff, name: str, templates: list[bytes], *, in_turn: bool) -> tuple[Outcome, Outcome]:
    """Send the same requests to both, the last of them one that ends the connection."""
    token = two.bus.token("alpha").encode()
    both = []
    for side in two.ports:
        own = side + name
        pieces = [*(written(template, token, own) for template in templates), END]
        both.append(two.outcome(own, pieces if in_turn else [b"".join(pieces)], side, in_turn=in_turn))
    on, off = await asyncio.gather(*both)
    return on, off


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_request_is_answered_alike(on_and_off: OnAndOff, odd: str) -> None:
    number = list(ODD).index(odd)
    outcomes = await asyncio.gather(
        *(
            _outcomes(on_and_off, f"odd{number:03}{place}", [*before, ODD[odd], *after], in_turn=True)
            for place, (before, after) in enumerate(ARRANGEMENTS.values())
        ),
        _outcomes(on_and_off, f"odd{number:03}9", [ORDINARY, ODD[odd], ORDINARY], in_turn=False),
    )
    *in_turn, (on_in_one_piece, off_in_one_piece) = outcomes
    for arrangement, (on, off) in zip(ARRANGEMENTS, in_turn, strict=True):
        assert (on == off) == (odd not in DIFFERENT), f"{arrangement}:\n on {on}\noff {off}"
    assert alike(on_in_one_piece, off_in_one_piece), f"in one piece:\n on {on_in_one_piece}\noff {off_in_one_piece}"
