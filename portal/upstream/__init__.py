"""The upstream's client: plain Python and `requests`, nothing of Django or of the project.

Start at `client.Client`; what it may raise stands in `errors`.
"""
