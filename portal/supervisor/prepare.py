"""Before the production processes start: the database must be migrated, the static files collected.

A process of its own, since it needs Django. Exits with 1 and one line when the database is behind.
"""

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor


def is_migrated() -> bool:
    """Whether every migration has been applied."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def main() -> None:
    """Look, and collect."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    if not is_migrated():
        sys.exit("The database is not of this version: run .venv/bin/python manage.py migrate")
    if settings.IS_PRODUCTION:
        call_command("collectstatic", interactive=False, verbosity=0)


if __name__ == "__main__":
    main()
