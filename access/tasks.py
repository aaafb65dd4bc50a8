"""What runs in the background. Each task is its retry policy and one call; a message holds ids and nothing else.

A task that is lost, late or run twice does no harm: what it does is read from the database when it runs.
"""

from celery import shared_task

from access.services.moving import advancing, noticing
from access.sync import pictures, presses, runs, unmatched
from families.sync import planner
from portal.audit import trail

# Of a worker's time, for all move-outs of one round: the sync waits no longer for its turn.
MOVE_OUT_SECONDS = 5.0


@shared_task
def plan_sync() -> None:
    """Each second: hand out what is due."""
    planner.plan(sync_chunk.delay)


@shared_task
def sync_chunk(state_ids: list[int]) -> None:
    """Read these states and write what is new. Not tried again by itself: what failed is due again by its state."""
    runs.run_chunk(state_ids)


@shared_task
def settle_commands() -> None:
    """Every ten seconds: no command of a process that died stays open, and unknown outcomes are looked up soon."""
    if trail.settle_overdue():
        presses.want_unknown()
        unmatched.want_unknown()


@shared_task
def fetch_pictures() -> None:
    """Every two seconds: the thumbnails of new openings."""
    pictures.fetch_wanted()


@shared_task
def continue_move_outs() -> None:
    """Every five seconds: go on with move-outs whose process had no more time, or was killed; mark what is gone by now, or back."""
    advancing.advance_all(seconds=MOVE_OUT_SECONDS)
    noticing.notice_gone()
    noticing.notice_back()
