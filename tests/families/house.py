"""What the tests of the family pages share."""

import re
from contextlib import contextmanager

from django.db import connection as database

HTMX = {"HX-Request": "true"}


def token_in(text: str) -> str:
    """The press token of the form in an answer."""
    return re.search(r'name="press" value="([^"]+)"', text)[1]


@contextmanager
def a_trail_that_refuses():
    """The trail takes no entry. Only within a test's transaction, whose end takes the refusal away again."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER no_insert BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("ALTER TABLE audit_entry ADD CONSTRAINT no_insert CHECK (false) NOT VALID")
    yield
