"""Authentication and authorization: access tokens, clients, roles and grants.

Decisions are pure: the time is an argument, keys and clients are parameters. `tokens.py` verifies tokens, `issuing.py` issues
them to systems, `policy.py` authorizes a call, `keys.py` has the signing keys.
"""
