"""Who is on the bus and who may what.

`store.py` keeps the documents, every version of them; `replica.py` brings each change to every gateway; `snapshot.py` is what
a call asks; `rules.py` checks a document before it is kept; `administration.py` is the way in for whoever changes one.
"""
