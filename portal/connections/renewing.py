"""Renews tokens before they end, also where nobody calls: whoever comes next finds one that is good."""

from django.db.models import Q
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.outcomes import learn
from portal.connections.tokens import REFRESH_AHEAD, StoredTokens
from portal.upstream.errors import UpstreamError


def renew_ending() -> int:
    """Renew each token that ends soon; return how many were. Costs one query when none does.

    A refused renewal signs the connection out, and it is not asked again; without an answer it is tried again at
    the next turn, until the connection rests.
    """
    now = timezone.now()
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
    ending = Connection.objects.callable_at(now).filter(
        free, expires_at__lte=now + REFRESH_AHEAD, refresh_token__isnull=False
    )
    renewed = 0
    for connection in ending.defer("access_token", "refresh_token", "client_secret"):
        try:
            renewed += StoredTokens(connection.pk).renew_ahead()
        except UpstreamError as error:
            learn(connection, error)
    return renewed
