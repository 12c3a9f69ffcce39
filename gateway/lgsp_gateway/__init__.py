"""How a message gets there: the gateway.

`calls/pipeline.py` tells the story of one call. Around it: `registry/` (who may what), `evidence/` (what is written down), `faces/`
(the protocols in which services are called), `api/` (what manages the bus), `http/` and `nats/` (the two servers' sides), `observability/`
(what operations sees), `cli/` (the command), `local/` (a whole bus on one machine); `app.py` puts one gateway together.
"""
