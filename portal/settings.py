"""Django settings; the environment is read here and nowhere else. docs/operations.md lists the variables."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.keys import is_of_development, make_once, new_key_line

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

_environment = env.str("GATEHOUSE_ENV", "development")
if _environment not in {"development", "production"}:
    raise ImproperlyConfigured("GATEHOUSE_ENV is development or production.")
IS_PRODUCTION = _environment == "production"
DATA = Path(env.str("DATA", str(BASE_DIR / "var"))).resolve()
DEBUG = not IS_PRODUCTION and env.bool("DEBUG", False)

# Keys. In development they are made on first use; production brings its own.


def _key_file(variable: str, name: str) -> Path:
    if IS_PRODUCTION:
        if not os.environ.get(variable):
            raise ImproperlyConfigured(f"Production needs {variable}: the path of a file with its own key.")
        path = Path(os.environ[variable])
        if not path.is_file():
            raise ImproperlyConfigured(f"{variable}: there is no file {path}.")
        if path.resolve().is_relative_to(DATA / "keys") or is_of_development(path.read_text("latin-1")):
            raise ImproperlyConfigured(
                f"{variable} names a key that development made; make one for production."
            )
        return path
    path = Path(env.str(variable, str(DATA / "keys" / name)))
    make_once(path, new_key_line(is_for_development=True))
    return path


SECRET_KEY = _key_file("SECRET_KEY_FILE", "secret-key").read_text().strip()
ENCRYPTION_KEYS_FILE = _key_file("ENCRYPTION_KEYS_FILE", "encryption-keys")
AUDIT_KEYS_FILE = _key_file("AUDIT_KEYS_FILE", "audit-keys")

# Where it is reached.


def is_loopback(host: str) -> bool:
    """Whether a host is this machine as itself: nobody else can come by that name."""
    name = host.strip("[]").rstrip(".").lower()
    return name in {"localhost", "::1", "0.0.0.0"} or name.startswith("127.") or name.endswith(".localhost")  # noqa: S104


PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["127.0.0.1", "localhost", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
if IS_PRODUCTION:
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("Production needs ALLOWED_HOSTS: the names it is reached by, without *.")
    if urlsplit(PUBLIC_URL).scheme != "https":
        raise ImproperlyConfigured("Production needs PUBLIC_URL: the https address people use.")
    if is_loopback(urlsplit(PUBLIC_URL).hostname or ""):
        raise ImproperlyConfigured(
            "PUBLIC_URL leads to this machine only; production needs the address people use."
        )
    if all(is_loopback(host.lstrip(".")) for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS names this machine only; production needs the name people use."
        )
    if (DATA / "demo.json").exists():
        raise ImproperlyConfigured(
            f"DATA is the demo's folder, {DATA}: its people and their passwords are known."
        )

INSTALLED_APPS = [
    "portal.accounts",
    "portal.audit",
    "portal.connections",
    "families",
    "access",
    "portal.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "lucide",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "portal.web.sheet.StyleSheetMiddleware",
    "portal.web.middleware.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.web.middleware.PlainAddressMiddleware",
    "portal.web.middleware.PolicyMiddleware",
    "portal.web.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.accounts.activity.ActivityMiddleware",
    "portal.audit.expiry.ExpiredSessionMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.web.middleware.PrivatePagesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.accounts.gate.SignInMiddleware",
    "portal.audit.middleware.DeniedMiddleware",
]

ROOT_URLCONF = "portal.urls"
POLICIES = "portal.policies.POLICIES"
KINDS = "portal.kinds.KINDS"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.desk.navigation.navigation",
            ],
        },
    }
]

# The database: SQLite in DATA unless DATABASE_URL names another.
if urlsplit(env.str("DATABASE_URL", "sqlite:")).scheme not in {"sqlite", "postgres", "postgresql"}:
    # The address itself may hold a password.
    raise ImproperlyConfigured("DATABASE_URL begins with postgres:// or sqlite:///.")
DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{DATA / 'gatehouse.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = 300
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"] == "django.db.backends.sqlite3":
    if not IS_PRODUCTION:
        DATA.mkdir(parents=True, exist_ok=True, mode=0o700)
    _database["ENGINE"] = "portal.sqlite"
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": env.int("SQLITE_TIMEOUT_SECONDS", 5),
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # Threads of a test share a file, not an in-memory database, whose locks ignore the time-out.
    _database["TEST"] = {"NAME": env.str("TEST_DATABASE_FILE", str(DATA / "test.sqlite3"))}

# The cache stands in the database: limits and replay marks must survive Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # Django's 300 would drop limits that still hold.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# People.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# A new password or another second factor is told by mail to whoever it concerns.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {
    "login": "portal.accounts.forms.sign_in.SignInForm",
    "reset_password": "portal.accounts.forms.sign_in.ResetForm",
}
# Guesses are counted by portal.accounts.guessing: a limit by address alone would lock out whoever shares one.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None, "reset_password": "20/m/ip"}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ADAPTER = "portal.accounts.adapter.SecondFactorAdapter"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Gatehouse"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_PRODUCTION
# Managers and auditors must have a second factor before they see anything.
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", IS_PRODUCTION)
USERSESSIONS_TRACK_ACTIVITY = False  # portal.accounts.session_store notes it, and not at every request

SESSION_ENGINE = "portal.accounts.session_store"
# A session ends when nobody does anything in it, and in any case so long after signing in.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 30)
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", 12) * 60 * 60
if SESSION_IDLE_MINUTES < 1 or SESSION_COOKIE_AGE < 1:
    raise ImproperlyConfigured("SESSION_IDLE_MINUTES and SESSION_HOURS are 1 or more.")
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Between a warning and an error, with a shape of its own: nobody knows what became of it.
MESSAGE_TAGS = {35: "unknown"}
if IS_PRODUCTION:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if TRUSTED_PROXY_COUNT:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# No page takes a file, but where its view says so: any other is refused before a byte of it is kept.
FILE_UPLOAD_HANDLERS = ["portal.web.uploads.NoFile"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Signing in by OpenID Connect, for companies that have it: without an issuer there is none.
SOCIALACCOUNT_ADAPTER = "portal.accounts.social_adapter.SocialAdapter"
OIDC_ISSUER = env.str("OIDC_ISSUER", "").strip()
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "").strip()
OIDC_CLIENT_SECRET = ""
OIDC_NAME = env.str("OIDC_NAME", "").strip() or urlsplit(OIDC_ISSUER).hostname or ""
if OIDC_ISSUER:
    _issuer = urlsplit(OIDC_ISSUER)
    _is_local = _issuer.scheme == "http" and is_loopback(_issuer.hostname or "") and not IS_PRODUCTION
    if (_issuer.scheme != "https" and not _is_local) or not _issuer.hostname or "@" in _issuer.netloc:
        raise ImproperlyConfigured("OIDC_ISSUER is an https address: the provider's name for itself.")
    if _issuer.query or _issuer.fragment or len(OIDC_ISSUER) > 190:
        raise ImproperlyConfigured("OIDC_ISSUER has no query, and at most 190 characters.")
    if not OIDC_CLIENT_ID:
        raise ImproperlyConfigured("OIDC_ISSUER needs OIDC_CLIENT_ID: what the provider calls Gatehouse.")
    _secret_file = Path(env.str("OIDC_CLIENT_SECRET_FILE", ""))
    if not _secret_file.is_file():
        raise ImproperlyConfigured(
            "OIDC_ISSUER needs OIDC_CLIENT_SECRET_FILE: the path of a file with the secret."
        )
    OIDC_CLIENT_SECRET = _secret_file.read_text().strip()
    if not OIDC_CLIENT_SECRET:
        raise ImproperlyConfigured("OIDC_CLIENT_SECRET_FILE names an empty file.")

# Words, times.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Files.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA / "static"
if not IS_PRODUCTION:
    # Served from where they stand; whitenoise wants the folder all the same.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
if IS_PRODUCTION:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
WHITENOISE_AUTOREFRESH = False
PICTURES_DIR = DATA / "pictures"
AUDIT_HEADS_FILE = DATA / "audit-heads"

# Work in the background.
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    # Kombu otherwise looks for messages of dead workers only every hundred seconds or so.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 240
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "plan-sync": {"task": "access.tasks.plan_sync", "schedule": 1.0, "options": {"expires": 5}},
    "settle-commands": {"task": "access.tasks.settle_commands", "schedule": 10.0, "options": {"expires": 30}},
    "clear-sessions": {
        "task": "portal.accounts.tasks.clear_sessions",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "look-after-connections": {
        "task": "portal.connections.tasks.look_after_connections",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "tell-lost-sign-ins": {
        "task": "portal.connections.tasks.tell_lost_sign_ins",
        "schedule": 15.0,
        "options": {"expires": 60},
    },
    "run-jobs": {"task": "families.tasks.run_jobs", "schedule": 2.0, "options": {"expires": 10}},
    "continue-move-outs": {
        "task": "access.tasks.continue_move_outs",
        "schedule": 5.0,
        "options": {"expires": 15},
    },
    "drop-old-drafts": {
        "task": "families.tasks.drop_old_drafts",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "fetch-pictures": {"task": "access.tasks.fetch_pictures", "schedule": 2.0, "options": {"expires": 10}},
}

# The upstream.
UPSTREAM_DEADLINE_SECONDS = env.float("UPSTREAM_DEADLINE_SECONDS", 8.0)
UPSTREAM_CALLS_PER_MINUTE = env.int("UPSTREAM_CALLS_PER_MINUTE", 6_000)
# At most this many threads of one web process wait for the upstream at a time: the rest answer pages.
UPSTREAM_ACTIONS_AT_ONCE = env.int("UPSTREAM_ACTIONS_AT_ONCE", 4)
# Private hosts that a connection may lead to all the same: names, addresses, networks; "*" is all of them.
UPSTREAM_PRIVATE_HOSTS = env.list("UPSTREAM_PRIVATE_HOSTS", default=[] if IS_PRODUCTION else ["*"])
# Addresses that are suggested where a connection is added; others may be typed.
UPSTREAM_REGIONS = env.list("UPSTREAM_REGIONS", default=[])
HISTORY_WINDOW_ROWS = env.int("HISTORY_WINDOW_ROWS", 0)
HISTORY_LATENESS_SECONDS = env.int("HISTORY_LATENESS_SECONDS", 300)
SYNC_SECONDS = {
    "families": env.int("SYNC_FAMILIES_SECONDS", 60),
    "members": env.int("SYNC_MEMBERS_SECONDS", 120),
    "devices": env.int("SYNC_DEVICES_SECONDS", 30),
    "openings": env.int("SYNC_OPENINGS_SECONDS", 10),
    "calls": env.int("SYNC_CALLS_SECONDS", 30),
    "temp_keys": env.int("SYNC_TEMP_KEYS_SECONDS", 120),
}
SYNC_THREADS = env.int("SYNC_THREADS", 16)
# What an account's PIN may be as long as; how long the upstream takes is not told by its reference.
PIN_MIN_LENGTH = env.int("PIN_MIN_LENGTH", 4)
PIN_MAX_LENGTH = env.int("PIN_MAX_LENGTH", 8)
if not 1 <= PIN_MIN_LENGTH <= PIN_MAX_LENGTH:
    raise ImproperlyConfigured("PIN_MIN_LENGTH is at least 1 and at most PIN_MAX_LENGTH.")
# Whether nobody opens a door without saying why.
OPEN_REASON_REQUIRED = env.bool("OPEN_REASON_REQUIRED", False)


def _an_hour(variable: str, default: int) -> int:
    number = env.int(variable, default)
    if number < 0:
        raise ImproperlyConfigured(f"{variable} is 0 (without limit) or more.")
    return int(number)


# How often doors are opened within an hour by one person, and for one family by all. The console has no limit.
OPENS_PER_PERSON_AN_HOUR = _an_hour("OPENS_PER_PERSON_AN_HOUR", 120)
OPENS_PER_FAMILY_AN_HOUR = _an_hour("OPENS_PER_FAMILY_AN_HOUR", 240)
# How many passes are made within an hour by one person, and in one family by all and by jobs.
PASSES_PER_PERSON_AN_HOUR = _an_hour("PASSES_PER_PERSON_AN_HOUR", 60)
PASSES_PER_FAMILY_AN_HOUR = _an_hour("PASSES_PER_FAMILY_AN_HOUR", 120)
# How many mails about passes one person sends within an hour.
PASS_MAILS_PER_PERSON_AN_HOUR = _an_hour("PASS_MAILS_PER_PERSON_AN_HOUR", 30)
# So many rows of a job are on their way at a time, of each worker at most UPSTREAM_ACTIONS_AT_ONCE.
JOB_THREADS = env.int("JOB_THREADS", 4)
# How long a job stays that of a worker that was killed; a living one renews its lease.
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", 15.0)
# How long the states of a worker that was killed stay its own; a living one renews its lease.
SYNC_LEASE_SECONDS = env.float("SYNC_LEASE_SECONDS", 30.0)
CAPTURE_HOSTS = env.list("CAPTURE_HOSTS", default=[])

# E-mail.
vars().update(env.email_url("EMAIL_URL", "consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Gatehouse <gatehouse@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no-secrets": {"()": "portal.web.logs.SecretPaths"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no-secrets"]}
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
}
