"""What the tests of the family pages share."""

import re
from contextlib import contextmanager

from django.db import connection as database

HTMX = {"HX-Request": "true"}


def token_in(text: str) -> str:
    """The press token of the form in an answer."""
    return re.search(r'name="press" value="([^"]+)"', text)[1]


@contextmanager
def a_trail_that_refuses(phase: str = ""):
    """The trail takes no entry, or none of one phase."""
    when = f"WHEN NEW.phase = '{phase}' " if phase else ""
    check = f"phase <> '{phase}'" if phase else "false"
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER refuses BEFORE INSERT ON audit_entry {when}"
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE audit_entry ADD CONSTRAINT refuses CHECK ({check}) NOT VALID")
    try:
        yield
    finally:
        with database.cursor() as cursor:
            if database.vendor == "sqlite":
                cursor.execute("DROP TRIGGER refuses")
            else:
                cursor.execute("ALTER TABLE audit_entry DROP CONSTRAINT refuses")
