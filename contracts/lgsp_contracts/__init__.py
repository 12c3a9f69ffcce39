"""Contracts, their schemas, and the wire protocol between gateway and adapters.

Everything here is pure: no network, no clock, no NATS. `contract.py` compiles the document, `catalog.py` reads a folder of
them, `schemas.py` validates, `violations.py` writes a broken rule as a sentence, `strict_json.py` parses what comes in,
`projection.py` removes the fields that a grant does not show, `wire.py` is wire protocol 1.
"""
