"""Keeps the local tables of families in step with the upstream.

``refresh_members`` is for services, inside an action; the rest is called by ``access.sync``, which keeps doors and
histories in step with the same engine.
"""

from families.sync.refresh import refresh_members

__all__ = ["refresh_members"]
