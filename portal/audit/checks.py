"""Puts the triggers back after each migrate, and reports when they are missing."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from portal.audit.triggers import TABLE, missing_triggers, put_triggers


@receiver(post_migrate, dispatch_uid="audit.put_triggers")
def put_back(using: str, **kwargs: Any) -> None:
    """Design decision: the one signal besides sign-ins. SQLite drops triggers when any migration remakes the table."""
    connection = connections[using]
    if TABLE in connection.introspection.table_names():
        put_triggers(connection)


@register(Tags.database)
def triggers_are_there(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """An Error for each database whose trail could be changed; nothing where the table is not made yet."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if TABLE in connection.introspection.table_names() and (missing := missing_triggers(connection)):
            found.append(
                Error(
                    f"The audit trail is not protected: {', '.join(missing)} missing.",
                    hint="Run manage.py migrate.",
                    id="audit.E001",
                )
            )
    return found
