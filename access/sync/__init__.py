"""Keeps doors and histories in step with the upstream, and with them everything else in one run.

``want_history`` is for services and for pages that watch; ``run_chunk``, ``plan`` and ``read_now`` are for the
worker and the command line.
"""

from access.sync.wanted import want_history

__all__ = ["want_history"]
