"""Servers that play the three national databases: the same wire formats, refusals and errors, with made-up people.

`people.py` makes the people, `database.py` puts them into SQLite, one module each speaks a national system's language,
`faults.py` makes a server slow, wrong or forgetful when a test or an operator tells it to.
"""
