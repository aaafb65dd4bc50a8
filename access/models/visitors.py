"""Links that show a visitor their pass."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from access.models.passes import TempKey
from portal.accounts.models import User
from portal.ids import PUBLIC_ID_LENGTH, new_public_id


class VisitorLinkQuerySet(models.QuerySet["VisitorLink"]):
    """Links, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the passes that the person may see."""
        return self.filter(temp_key__in=TempKey.objects.visible_to(user))


class VisitorLink(models.Model):
    """A link that shows its visitor whether a pass works now, and inside its window the code, read live.

    The link's secret is known to whoever holds it; here stands a digest. It ends with its pass, or when it is revoked.
    ``language`` and ``time_zone`` are the visitor's, "" for their browser's and the property's.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    temp_key = models.ForeignKey(TempKey, models.CASCADE, related_name="visitor_links")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    language = models.CharField(max_length=16, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    shown_at = models.DateTimeField(null=True)
    shown_count = models.IntegerField(default=0)
    revoked_at = models.DateTimeField(null=True)
    revoked_by_name = models.CharField(max_length=320, blank=True)

    objects = VisitorLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.temp_key} {self.public_id}"
