"""Who is on the bus and who may what.

`store.py` keeps the documents, every version of them; `replica.py` brings each change to every gateway; `snapshot.py` is what
a gateway knows, in indexes that requests read without parsing: documents by name and by what they are looked for by, services,
grants. `ownership.py` and `references.py` are functions over it. `rules.py` checks a document before it is kept, `permission.py`
says who may change it, `administration.py` is the way in for whoever does, `bootstrap.py` fills an empty registry.
"""
