"""All settings. What differs between two machines comes from the environment; README.md has the table."""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def env_path(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).resolve()


def env_list(name: str, default: list[str]) -> list[str]:
    text = os.environ.get(name)
    return [item.strip() for item in text.split(",") if item.strip()] if text else default


def env_int(name: str, default: int) -> int:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from error


def env_origin(name: str, default: str) -> str:
    """Scheme and host, nothing else: every absolute address of the site begins with it."""
    text = (os.environ.get(name) or default).rstrip("/")
    if not re.fullmatch(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:\d{1,5})?", text):
        raise ImproperlyConfigured(f"{name} must look like https://www.example.org, not {text!r}.")
    return text


def env_database(name: str, default: str) -> dict:
    """SQLite or PostgreSQL. The address is not repeated in the error: it may hold a password."""
    try:
        database = dj_database_url.parse(os.environ.get(name) or default, conn_max_age=0)
    except ValueError:
        database = {}
    if not database.get("ENGINE", "").endswith(("sqlite3", "postgresql")):
        raise ImproperlyConfigured(f"{name} must look like postgres://user:password@host/name or sqlite:///file.")
    return database


def env_mail_server(name: str) -> dict | None:
    """smtp://user:password@host:port (STARTTLS where the server offers it), smtp+tls:// (STARTTLS or nothing), smtps://.

    None if unset: mail is written to files. The address is not repeated in the error: it may hold a password.
    """
    text = os.environ.get(name)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    # What follows the host is no detail: a password with an unescaped # or / would make its own first half the port.
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("smtp", "smtp+tls", "smtps") or not parts.hostname or not is_bare:
        raise ImproperlyConfigured(f"{name} must look like smtp://user:password@host:587, smtp+tls://… or smtps://….")
    return {
        "host": parts.hostname,
        "port": port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "security": parts.scheme,
    }


def env_mailbox(name: str, default: str) -> str:
    """One plain address, local@domain."""
    text = os.environ.get(name) or default
    if text and not re.fullmatch(r"[A-Za-z0-9._+-]{1,40}@[a-z0-9-]+(\.[a-z0-9-]+)*", text):
        raise ImproperlyConfigured(f"{name} must look like newsletter@example.org, not {text!r}.")
    return text


def env_secret(name: str, local_file: Path, *, is_local: bool) -> str:
    """From the environment. On a plain local address, made once on this machine and kept in a file only we can read."""
    if text := os.environ.get(name):
        return text
    if not is_local:
        raise ImproperlyConfigured(f"{name} must be set in the environment when SITE_ORIGIN is not a local address.")
    if not local_file.exists():
        local_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = local_file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            os.link(fresh, local_file)  # two processes starting together keep one key
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return local_file.read_text()


# --- Where things are ---------------------------------------------------------------------------------------------

VAR_DIR = env_path("VAR_DIR", BASE_DIR / "var")
SNAPSHOT_DIR = env_path("SNAPSHOT_DIR", VAR_DIR / "snapshots")
SNAPSHOTS_KEPT = env_int("SNAPSHOTS_KEPT", 5)

SITE_ORIGIN = env_origin("SITE_ORIGIN", "http://localhost:8000")
SITE_HOST = urlsplit(SITE_ORIGIN).hostname
IS_SECURE = SITE_ORIGIN.startswith("https://")
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
IS_LOCAL = SITE_HOST in ("localhost", "127.0.0.1", "::1")

DEBUG = False
SECRET_KEY = env_secret("SECRET_KEY", VAR_DIR / "secret-key", is_local=IS_LOCAL)
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = LOCAL_HOSTS if IS_LOCAL else env_list("ALLOWED_HOSTS", [SITE_HOST])
CSRF_TRUSTED_ORIGINS = [SITE_ORIGIN] if IS_SECURE else []

# --- What the site is made of -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "modeltranslation",  # before the admin, which it extends
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "simple_history",
    "sensgene",
    "centres",
    "missions",
    "newsletter",
]

MIDDLEWARE = [
    "sensgene.middleware.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "sensgene.middleware.GuardMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # before sessions, so that public pages vary on no session
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sensgene.middleware.OneChangeMiddleware",
    "sensgene.middleware.StaffInputMiddleware",
    "sensgene.middleware.PublicPageMiddleware",
]

ROOT_URLCONF = "sensgene.urls"
WSGI_APPLICATION = "sensgene.wsgi.application"

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
                "sensgene.context_processors.site",
            ],
        },
    }
]

# --- Databases: the one staff edit, and the snapshot that visitors read -------------------------------------------

SQLITE_OPTIONS = {
    # IMMEDIATE and WAL: writers wait for each other instead of failing, readers never wait.
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=27103364; "
        "PRAGMA secure_delete=ON; "  # what was erased is overwritten, not only marked as free
        "PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;"
    ),
}
POSTGRESQL_OPTIONS = {
    # A hung database must free the worker: persistent connections cannot promise that, so there are none.
    "connect_timeout": 2,
    "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000",
}

DATABASES = {
    "default": env_database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'sensgene.sqlite3'}"),
    "snapshot": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "file:no-snapshot-is-open?mode=ro",  # sensgene.snapshot.open_current() names the file
        "OPTIONS": {"uri": True},
        "TEST": {"MIRROR": "default"},
    },
}
IS_POSTGRESQL = DATABASES["default"]["ENGINE"].endswith("postgresql")
DATABASES["default"]["OPTIONS"] = {
    **(POSTGRESQL_OPTIONS if IS_POSTGRESQL else SQLITE_OPTIONS),
    **DATABASES["default"].get("OPTIONS", {}),
}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Languages ----------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"
MODELTRANSLATION_DEFAULT_LANGUAGE = "fr"
MODELTRANSLATION_FALLBACK_LANGUAGES = {"default": ("fr", "en"), "fr": ("en", "de")}

# --- Static files -------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
BUILD_DIR = VAR_DIR / "build"  # what sensgene.assets makes: the subset fonts, the one style sheet
STATICFILES_DIRS = [BASE_DIR / "static", BUILD_DIR]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

STAFF_PATH = "/staff/"  # the admin
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own

# --- Security -----------------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = IS_SECURE
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # the edge overwrites it; gunicorn listens to nobody else
SECURE_HSTS_SECONDS = 63_072_000 if IS_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_SECURE
SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # the preload list is a decision of whoever owns the whole domain
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"  # nobody else learns which disease page a visitor came from
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The same shape as Django 6's setting, so that moving there is a deletion.
SECURE_CSP = {
    "default-src": ["'none'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "script-src": ["'self'"],
    "connect-src": ["'self'"],  # the search box asks for suggestions
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "object-src": ["'none'"],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["'none'"],
    **({"upgrade-insecure-requests": []} if IS_SECURE else {}),
}
# The admin's own scripts assign innerHTML.
STAFF_CSP = {name: sources for name, sources in SECURE_CSP.items() if "trusted-types" not in name}

_prefix = "__Host-" if IS_SECURE else ""
SESSION_COOKIE_NAME = f"{_prefix}session"
SESSION_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True  # thirty minutes of idleness, not thirty minutes in all
CSRF_COOKIE_NAME = f"{_prefix}csrf"
CSRF_COOKIE_SECURE = IS_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
LANGUAGE_COOKIE_NAME = f"{_prefix}language"
LANGUAGE_COOKIE_SECURE = IS_SECURE
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Strict"
PREFERENCES_COOKIE_NAME = f"{_prefix}prefs"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "sensgene.views.forgery"

DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- Mail: only the worker (manage.py send_mail) opens a connection to a mail server ------------------------------

MAIL_SERVER = env_mail_server("EMAIL_URL")
MAIL_DIR = env_path("MAIL_DIR", VAR_DIR / "mail")  # without a server, letters are written here
MAIL_FROM = env_mailbox("MAIL_FROM", "newsletter@localhost" if IS_LOCAL else "")
MAIL_RETURN = env_mailbox(
    "MAIL_RETURN", "returns@localhost" if IS_LOCAL else ""
)  # where reports about undelivered letters come back
MAIL_JOURNAL = os.environ.get("MAIL_JOURNAL", "")  # the log of Postfix: says what it accepted before a worker died
MAIL_PER_HOUR = env_int("MAIL_PER_HOUR", 2000)  # copies of issues; letters that somebody asked for do not count
MAIL_LEASE_SECONDS = env_int(
    "MAIL_LEASE_SECONDS", 300
)  # longer than the slowest hand-over: five waits of EMAIL_TIMEOUT
MAIL_DKIM_SELECTOR = os.environ.get("MAIL_DKIM_SELECTOR", "")
EMAIL_TIMEOUT = 30
# For digests that must outlive a rotated SECRET_KEY: addresses never written to again, return addresses.
NEWSLETTER_KEY = env_secret("NEWSLETTER_KEY", VAR_DIR / "newsletter-key", is_local=IS_LOCAL)
ERASURE_JOURNAL = env_path("ERASURE_JOURNAL", VAR_DIR / "erasures")

# Where security.txt sends people: an https:, mailto: or tel: address. Empty: the site's own page on the matter.
SECURITY_CONTACT = os.environ.get("SECURITY_CONTACT", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"one_line": {"()": "sensgene.logs.OneLineFilter"}},
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["one_line"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # A 404 is the visitor's business; logging each would record who looked for which disease.
        "django.request": {"level": "ERROR"},
        # Every scanner that tries another host name would fill a page of the log.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        "fontTools": {"level": "WARNING"},
    },
}
