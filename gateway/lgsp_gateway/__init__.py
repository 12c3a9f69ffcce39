"""How a message gets there: the exchange and everything it moves.

`exchange.py` is the story of a call on one page. Around it: `registry.py` (who may what), `bus.py` (NATS), `evidence/`
(what is written down), `web/` (HTTP), `cli/` (the command), `local/` (a whole bus on one machine).
"""
