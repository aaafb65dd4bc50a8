"""What beat and the dashboard look for again and again: what is open is found without reading all that ever was."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.selectors.moving import list_unfinished
from access.services.moving import noticing
from families.services.jobs import claims, settling
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (claims.recover, "families_job_row_claim"),
        (settling.settle_unknown, "families_job_row_unknown"),
        (noticing.notice_gone, "access_move_out_left"),
        (lambda: list_unfinished(ManagerFactory(), 5), "access_move_out_left"),
    ],
    ids=["rows of killed workers", "rows without an answer", "what is left", "on the dashboard"],
)
def test_what_is_open_is_found_by_its_index(look, index):
    with CaptureQueriesContext(connection) as asked:
        look()

    assert index in plan_of(asked.captured_queries[-1]["sql"])


def plan_of(statement: str) -> str:
    """How the database goes about it; PostgreSQL, too, as it would with more than a handful of rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        way = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{way} {statement.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
