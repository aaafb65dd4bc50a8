#!/usr/bin/env python3
"""Gatehouse's command line: Django's own, with the portal's commands beside them."""

import os
import sys


def main() -> None:
    """Run one management command; an environment that cannot be used is one line and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(
            "Gatehouse is not installed in this Python: run `make setup`, then use .venv/bin/python manage.py"
        )
    try:
        import portal.settings  # noqa: F401
    except ImproperlyConfigured as error:
        give_up(str(error))
    except (OSError, ValueError, KeyError) as error:
        give_up(f"the environment cannot be used: {type(error).__name__}: {error}")
    execute_from_command_line(sys.argv)


def give_up(line: str) -> None:
    """Say why in one line, and end."""
    print(f"manage.py: {' '.join(line.split())}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
