"""The project. Loading the Celery app here binds shared tasks to our broker, as Celery documents."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
