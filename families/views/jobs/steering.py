"""What people do with a job that has begun: pause it, let it go on, stop it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from families.models import Job
from families.services.jobs import running
from families.services.jobs.running import JobMovedOn
from families.views.jobs import parts
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.web.pages import lead


def job_pause(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Nothing more is begun until somebody lets it go on."""
    return _steer(
        request,
        job_id,
        running.pause,
        _("It is paused. Nothing more is begun; what is on its way ends by itself."),
    )


def job_continue(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Rows are begun again."""
    return _steer(request, job_id, running.go_on, _("It goes on."))


def job_stop(request: SignedInRequest, job_id: str) -> HttpResponse:
    """It ends here."""
    words = _("It is stopped. What was done stays done, and nothing else is sent.")
    return _steer(request, job_id, running.stop, words)


def _steer(
    request: SignedInRequest, job_id: str, act: Callable[[User, Job], None], words: str
) -> HttpResponse:
    job = parts.find_job(request, job_id)
    if parts.pressed(request, parts.purpose_of(job)):
        try:
            act(request.user, job)
        except JobMovedOn:
            parts.say_moved_on(request)
        else:
            messages.success(request, words)
    return lead(request, parts.address_of(job))
