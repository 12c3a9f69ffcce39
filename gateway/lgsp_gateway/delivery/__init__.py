"""What is accepted now and delivered later: asynchronous calls, events and files."""
