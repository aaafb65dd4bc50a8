"""A stand-in for the upstream: the same wire, in its own process, for the demo, development and tests.

It imports nothing of the project, so that nothing it answers can be right by sharing a mistake with the client.
Start it with ``python -m portal.simulator --help``.
"""
