"""The smallest Django that can render the portal's templates: no database, sample pages, sample people."""

from pathlib import Path

import django
from django.conf import settings
from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates
from django.urls import path

ROOT = Path(__file__).resolve().parents[2]


def _nothing(request: HttpRequest) -> None:
    raise AssertionError("The gallery renders templates; nothing in it answers requests.")


urlpatterns = [
    path("sign-out/", _nothing, name="account_logout"),
    path("sign-in/", _nothing, name="account_login"),
    path("password/reset/", _nothing, name="account_reset_password"),
]


def engine() -> DjangoTemplates:
    """The portal's templates and the gallery's own pages, whatever settings are in force."""
    return DjangoTemplates(
        {
            "NAME": "gallery",
            "DIRS": [ROOT / "tests" / "browser" / "gallery_pages", ROOT / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {},
        }
    )


def configure() -> None:
    """Sets Django up once for rendering alone. Call it before anything that asks for settings."""
    if settings.configured:
        return
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="only renders samples",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "allauth",
            "allauth.account",
            "django_htmx",
            "lucide",
            "portal.web",
        ],
        MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
        STATIC_URL="/static/",
        USE_TZ=True,
        TIME_ZONE="Europe/Lisbon",
    )
    django.setup()
