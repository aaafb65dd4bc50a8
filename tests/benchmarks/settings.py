"""The portal's own settings, and Django's admin beside it as the peer."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as PORTAL_APPS

INSTALLED_APPS = [*PORTAL_APPS, "django.contrib.admin.apps.SimpleAdminConfig"]
ROOT_URLCONF = "tests.benchmarks.urls"
POLICIES = "tests.benchmarks.urls.POLICIES"
ALLOWED_HOSTS = ["testserver"]
# Sentences about refused requests and the like are no figures.
LOGGING_CONFIG = None
# A1 presses one door more often than anybody may.
OPENS_PER_PERSON_AN_HOUR = 10_000
OPENS_PER_FAMILY_AN_HOUR = 10_000
