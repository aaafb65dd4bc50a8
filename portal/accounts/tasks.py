"""What runs in the background for the people's accounts."""

from celery import shared_task

from portal.accounts import sessions


@shared_task
def clear_sessions() -> None:
    """Each hour: what is left of sessions that are long over."""
    sessions.clear_expired()
