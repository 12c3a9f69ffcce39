"""Who is on the bus and who may what.

`store.py` keeps the documents, every version of them; `follower.py` brings each change to every gateway; `state.py` is what
a call asks; `rules.py` checks a document before it is kept; `administration.py` is the way in for whoever changes one.
"""
