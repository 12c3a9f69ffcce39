"""Who may say it: identity tokens and grants.

Decisions are pure: the time is an argument, keys and clients are handed in. `tokens.py` verifies, `issuing.py` hands out
tokens to systems, `policy.py` decides a call, `keys.py` holds what signs.
"""
