"""What runs in the background for families. Each task is one call; a message holds nothing, the database all."""

from celery import shared_task

from families.services import importing, jobs

# A task of this length lets the sync have its turn, also where a worker has two processes and move-outs take the other;
# it is sent again while there is something to do.
SECONDS = 5.0


@shared_task
def run_jobs() -> None:
    """Every two seconds, and at once after a confirmation: rows of jobs are sent. Another worker's jobs are left alone."""
    if jobs.work(SECONDS):
        run_jobs.apply_async(expires=15)


@shared_task
def drop_old_drafts() -> None:
    """Each hour: what was brought and never confirmed is deleted once it is old."""
    importing.drop_old_drafts()
