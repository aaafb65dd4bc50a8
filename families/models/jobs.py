"""Bulk work: many rows, each one command of its own, sent while somebody may leave the page."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models.families import Family
from portal.accounts.models import User
from portal.audit.models import Command
from portal.ids import PUBLIC_ID_LENGTH, new_public_id


class JobState(models.TextChoices):
    """Where a job stands. Rows of a draft are a preview: nothing of it is sent before somebody confirms it."""

    DRAFT = "draft", _("Preview")
    RUNNING = "running", _("Under way")
    PAUSED = "paused", _("Paused")
    STOPPED = "stopped", _("Stopped")
    DONE = "done", _("Done")


class RowState(models.TextChoices):
    """Where a row of a job stands. LEFT_OUT rows are never sent: there already, wrong, or not chosen."""

    LEFT_OUT = "left_out", _("Left out")
    WAITING = "waiting", _("Waiting")
    CLAIMED = "claimed", _("On its way")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    NOT_SENT = "not_sent", _("Not sent")
    UNKNOWN = "unknown", _("Unknown")
    TOO_LATE = "too_late", _("Too late")


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """One's own; an unlimited manager's and auditor's are all of them, a limited auditor's those with a row that is theirs
        to see (JobRowQuerySet.shown_to)."""
        if user.is_active and user.is_auditor:
            theirs = JobRow.objects.filter(job=OuterRef("pk")).shown_to(user)
            return self.filter(Exists(theirs)) if user.is_limited else self
        if not user.is_active or not user.may_act:
            return self.none()
        return self if user.is_manager and not user.is_limited else self.filter(made_by=user)


class Job(models.Model):
    """Bulk work that somebody asked for, of one ``kind``; what it does is done by whoever registered that kind.

    Paused with a ``pause_code`` it paused itself, and ``pause_reason`` says why; without one a person paused it. While
    it runs, ``pause_reason`` is what it waits for. After ``not_after`` no row of it is begun any more. ``options``
    holds what was chosen for all rows, and never a secret. One worker at a time is at it, until ``worked_until``.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.DRAFT)
    options = models.JSONField(default=dict)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    made_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    pause_code = models.CharField(max_length=20, blank=True)
    pause_reason = models.TextField(blank=True)
    worked_by = models.CharField(max_length=36, blank=True)
    worked_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["made_by", "-made_at"], name="families_job_maker"),
            models.Index(fields=["state"], name="families_job_open", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return self.title


class JobRowQuerySet(models.QuerySet["JobRow"]):
    """Rows of jobs."""

    def shown_to(self, user: User) -> Self:
        """Of jobs that are theirs to see: every row, but to a limited auditor those of families within their properties."""
        if user.is_auditor and user.is_limited:
            return self.filter(family__in=Family.objects.visible_to(user))
        return self


class JobRow(models.Model):
    """One row of a job: at most one command at a time, claimed by one worker, never sent twice by itself.

    ``number`` is its line for people, from 1. ``values`` are what it says, by field, and never a secret. ``mark`` is
    the preview's word for it. ``attempt`` is part of its press, and grows only once what became of the attempt before
    is known: by itself where nothing was done, else when a person lets it go once more.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    job = models.ForeignKey(Job, models.CASCADE, related_name="rows")
    number = models.IntegerField()
    family = models.ForeignKey(Family, models.CASCADE, null=True, related_name="+")
    values = models.JSONField(default=dict)
    mark = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=RowState, default=RowState.LEFT_OUT)
    words = models.TextField(blank=True)
    attempt = models.SmallIntegerField(default=1)
    command = models.ForeignKey(
        Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="job_rows"
    )
    claimed_by = models.CharField(max_length=36, blank=True)
    claimed_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = JobRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="families_job_row_unique")]
        indexes = [
            models.Index(fields=["job", "state", "number"], name="families_job_row_state"),
            models.Index(
                fields=["claimed_until"], name="families_job_row_claim", condition=Q(state="claimed")
            ),
            models.Index(fields=["ended_at"], name="families_job_row_unknown", condition=Q(state="unknown")),
        ]

    @property
    def press(self) -> str:
        """The name of this attempt's press: a worker that comes after one that was killed finds what became of it."""
        return f"job-{self.public_id}-{self.attempt}"
