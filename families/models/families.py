"""Families as the upstream knows them, the properties they are put in, and who was given them."""

import builtins
from datetime import datetime
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from portal.accounts.models import User
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH

FamilyRow = TypeVar("FamilyRow", bound=models.Model)


class PropertyQuerySet(models.QuerySet["Property"]):
    """Properties, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """All to an unlimited manager or auditor, the given ones to a limited one, none to a family admin."""
        if not user.is_active or user.is_family_admin:
            return self.none()
        return self.filter(limits__person=user) if user.is_limited else self


class Property(models.Model):
    """A building or estate of ours: families are put in one or none, and its time zone is theirs.

    ``visitor_contact`` is whom visitors call when a door does not open, as their links say it; "" for nobody.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    visitor_contact = models.CharField(max_length=120, blank=True)

    objects = PropertyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "properties"
        constraints = [models.UniqueConstraint(Lower("name"), name="families_property_name_unique")]

    def __str__(self) -> str:
        return self.name


class PropertyLimit(models.Model):
    """A limited manager or auditor may see the families of this property."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="property_limits")
    property = models.ForeignKey(Property, models.CASCADE, related_name="limits")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "property"], name="families_limit_unique")]


class FamilyQuerySet(models.QuerySet["Family"]):
    """Families, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """The families this person may look at now: the only way any page or action comes by one."""
        if not user.is_active:
            return self.none()
        if user.is_family_admin:
            return self.filter(Exists(Grant.objects.now().filter(person=user, family=OuterRef("pk"))))
        if user.is_limited:
            return self.filter(property__limits__person=user)
        return self


class Family(models.Model):
    """A household at the upstream (a residence). Never deleted: marked gone when it is no longer there.

    ``household_leaving_at``: since then a whole household is being moved out, and nobody is given the family before
    that has ended. ``household_since``: when the last one had moved out; no grant begins before it.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    residence_id = models.CharField(max_length=128, unique=True)
    name = models.TextField()
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True)
    is_online = models.BooleanField(default=False)
    is_installed = models.BooleanField(default=False)
    property = models.ForeignKey(Property, models.SET_NULL, null=True, blank=True, related_name="families")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    online_changed_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    household_leaving_at = models.DateTimeField(null=True)
    household_since = models.DateTimeField(null=True)

    objects = FamilyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "families"
        indexes = [
            models.Index(fields=["search_text", "id"], name="families_family_name"),
            # Those that are gone are few: what belongs to them is left out of lists by their numbers.
            models.Index(fields=["id"], name="families_family_gone", condition=Q(gone_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @builtins.property
    def time_zone(self) -> str:
        """The zone its times are told in: its property's, else UTC."""
        return self.property.time_zone if self.property else "UTC"


class FamilyRowQuerySet(models.QuerySet[FamilyRow]):
    """Rows that each belong to a family, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the families the person may look at."""
        if user.sees_all:
            return self
        return self.filter(family__in=Family.objects.visible_to(user))


class HistoryQuerySet(FamilyRowQuerySet[FamilyRow]):
    """The same for what happened at a time: nobody sees what was before they were given the family.

    ``moment`` names the column of that time.
    """

    moment = "at"

    def visible_to(self, user: User) -> Self:
        """Those of the person's families; for a family admin only what came after the start of their grant."""
        if user.is_active and user.is_family_admin:
            return self.filter(within_grant(user, self.moment))
        if user.is_active and user.is_limited:
            # Not family IN (…): with that SQLite reads and sorts all history of these families for one page of it.
            return self.filter(Exists(Family.objects.visible_to(user).filter(pk=OuterRef("family"))))
        return super().visible_to(user)


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants."""

    def now(self, at: datetime | None = None) -> Self:
        """Those in force at ``at`` (by default this moment): begun, not ended, not suspended."""
        moment = at or timezone.now()
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=moment), starts_at__lte=moment, suspended_at=None)

    def starts_of(self, person: User) -> dict[int, datetime]:
        """Since when this person's grants in force show each family, by the family's number. One query."""
        starts: dict[int, datetime] = {}
        for family_id, start in self.now().filter(person=person).values_list("family", "starts_at"):
            starts[family_id] = min(start, starts.get(family_id, start))
        return starts


class Grant(models.Model):
    """A family admin may look after this family from a moment on, and sees nothing that was before it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="grants")
    family = models.ForeignKey(Family, models.CASCADE, related_name="grants")
    member = models.ForeignKey(
        "families.Member", models.SET_NULL, null=True, blank=True, related_name="grants"
    )
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    # Given by a manager: this person may invite other members of the family to the portal, for this family.
    may_invite = models.BooleanField(default=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person", "family"], name="families_grant_person")]


def within_grant(user: User, moment: str = "at") -> Q:
    """Rows with a ``family`` whose time in the column ``moment`` lies after the start of a grant the person holds now."""
    return Q(
        Exists(
            Grant.objects.now().filter(
                person=user, family=OuterRef("family"), starts_at__lte=OuterRef(moment)
            )
        )
    )
