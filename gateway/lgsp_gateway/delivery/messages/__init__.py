"""Asynchronous calls: accepted now, delivered to their provider later, their answer kept for their caller."""
