"""A payment provider for trying things out: a real HTTP service with its own tables.

It shares nothing with the shop but the database server: the shop talks to it over HTTP only, and
each of its answers is committed before it is sent, as with a real provider.
"""
