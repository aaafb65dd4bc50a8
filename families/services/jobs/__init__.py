"""Bulk work: rows claimed by workers, each row one command, sent while nobody has to wait for it.

docs/decisions/0019 says how claims are held, and what a worker that was killed leaves. What the rows of a job do is
said by its kind (``kinds.register``); people steer jobs through ``running``; workers come through ``work``.
"""

from families.services.jobs.residents import KIND as RESIDENTS
from families.services.jobs.working import work

__all__ = ["RESIDENTS", "work"]
