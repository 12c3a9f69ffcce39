"""Who answers: adapters stand before the systems that provide services, and speak their language.

`runtime.py` serves one adapter on the bus, `adapter.py` is what an adapter is, `upstream.py` and `renewed_token.py` are
what most of them need to reach their system. `national/` holds the three national databases, `sandbox/` the servers
that play them.
"""
