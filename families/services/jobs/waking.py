"""Has the workers look at jobs at once, where there is a queue; without one the next tick does, or the command line."""

import logging

from celery import current_app
from django.db import transaction

TASK = "families.tasks.run_jobs"
# Nobody waits for a queue that does not answer.
SECONDS = 0.5
EXPIRES_SECONDS = 15

log = logging.getLogger(__name__)


def wake() -> None:
    """Ask for a worker once the caller's transaction is committed. Never fails, and never takes long."""
    transaction.on_commit(_ask, robust=True)


def _ask() -> None:
    usual = current_app.conf.broker_transport_options or {}
    quickly = {**usual, "socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, "max_retries": 0}
    try:
        with current_app.connection_for_write(transport_options=quickly) as connection:
            current_app.send_task(TASK, connection=connection, retry=False, expires=EXPIRES_SECONDS)
    except Exception:
        # Of whatever kind: the jobs are in the database, and are found there.
        log.info("the workers could not be woken", exc_info=True)
