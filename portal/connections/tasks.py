"""What keeps connections in order in the background. Each is one call; run twice or late it does no harm."""

from celery import shared_task

from portal.connections import authorization, probing, renewing, telling


@shared_task
def look_after_connections() -> None:
    """Every five seconds: tokens that end soon are renewed, and whoever did not answer is asked whether it does.

    Sign-ins that were begun in a browser and given up are forgotten, with their secrets.
    """
    renewing.renew_ending()
    probing.look_at_those_due()
    authorization.forget_old()


@shared_task
def tell_lost_sign_ins() -> None:
    """Every fifteen seconds: a sign-in that is over is told to those it concerns, once."""
    telling.tell_lost_sign_ins()
