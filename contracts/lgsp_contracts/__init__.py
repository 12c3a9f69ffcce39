"""What may be said on the bus: contracts, their schemas, and the wire between gateway and adapters.

Everything here is pure: no network, no clock, no NATS. `contract.py` is the document, `catalog.py` reads a folder of
them, `schemas.py` compiles what they say, `violations.py` puts a broken rule into words, `strict_json.py` guards the
door, `projection.py` removes what may not be seen, `wire.py` is wire protocol 1.
"""
