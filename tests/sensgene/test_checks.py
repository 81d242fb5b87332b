"""A configuration that must not go live is refused, in words."""

import os
import re
import subprocess
import sys

import pytest

from sensgene import checks
from sensgene.environment import ROOT

PRODUCTION = {
    "SITE_ORIGIN": "https://directory.example.org",
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "DATABASE_URL": "postgres://directory@localhost/directory",
    "NEWSLETTER_KEY": "only-for-tests-another-0123456789-abcdefghijklmnop",
    "EMAIL_URL": "smtp://localhost",
    "MAIL_FROM": "newsletter@example.org",
    "MAIL_RETURN": "returns@example.org",
}


def check(tmp_path, **environment: str) -> subprocess.CompletedProcess:
    """`manage.py check --deploy` as an operator runs it, with nothing of this machine's own environment."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
    given = {name: value for name, value in {**PRODUCTION, **environment}.items() if value is not None}
    (tmp_path / "build").mkdir(exist_ok=True)  # `prepare` makes it
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=ROOT, env={**kept, "VAR_DIR": str(tmp_path), **given}, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"DATABASE_URL": "sqlite:////srv/sensgene/var/sensgene.sqlite3"},
        {"ALLOWED_HOSTS": "directory.example.org, www.example.org", "SNAPSHOTS_KEPT": "9"},
        {"SITE_ORIGIN": "https://directory.example.org/", "SECURITY_CONTACT": "mailto:security@example.org"},
        {"EMAIL_URL": "smtp+tls://somebody:p%40ss@mail.example.org", "MAIL_LEASE_SECONDS": "150"},
        {"EMAIL_URL": "smtps://mail.example.org:465/", "MAIL_DKIM_SELECTOR": "invented"},
    ],
    ids=str,
)
def test_a_good_environment_passes_without_a_word(tmp_path, more):
    done = check(tmp_path, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ({"SITE_ORIGIN": "http://directory.example.org"}, r"sensgene\.E001\) SITE_ORIGIN must begin with https://"),
        ({"SITE_ORIGIN": "directory.example.org"}, "SITE_ORIGIN must look like https://"),
        ({"SITE_ORIGIN": "https://directory.example.org/fr/"}, "SITE_ORIGIN must look like https://"),
        ({"SITE_ORIGIN": "https://somebody:secret@example.org"}, "SITE_ORIGIN must look like https://"),
        ({"SITE_ORIGIN": "https://exam ple.org"}, "SITE_ORIGIN must look like https://"),
        ({"SITE_ORIGIN": "https://example.org:port"}, "SITE_ORIGIN must look like https://"),
        ({"SITE_ORIGIN": "ftp://example.org"}, "SITE_ORIGIN must look like https://"),
        (
            {"SITE_ORIGIN": "https://*.example.org"},
            r"sensgene\.E002\) ALLOWED_HOSTS must name|SITE_ORIGIN must look like",
        ),
        ({"SECRET_KEY": None}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, r"security\.W009\).*SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, r"security\.W009\).*SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": "short"}, r"security\.W025\)"),
        ({"ALLOWED_HOSTS": "*"}, r"sensgene\.E002\) ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "directory.example.org, .example.org"}, r"sensgene\.E002\) ALLOWED_HOSTS must name"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "oracle8://x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://localhost/x?connect_timeout=0"}, r"sensgene\.E004\).*connect_timeout"),
        (
            {"DATABASE_URL": "postgres://localhost/x?options=-c%20lock_timeout%3D1"},
            r"sensgene\.E004\).*statement_timeout",
        ),
        (
            {"DATABASE_URL": "postgres://localhost/x?options=-c%20statement_timeout%3D0"},
            r"sensgene\.E004\).*statement_timeout",
        ),
        ({"SNAPSHOTS_KEPT": "many"}, "SNAPSHOTS_KEPT must be a whole number"),
        ({"EMAIL_URL": None}, r"sensgene\.E008\) EMAIL_URL must be set"),
        ({"EMAIL_URL": "http://localhost"}, "EMAIL_URL must look like"),
        ({"EMAIL_URL": "smtp://somebody:half#secret@mail.example.org"}, "EMAIL_URL must look like"),
        ({"EMAIL_URL": "smtp://mail.example.org"}, r"sensgene\.E009\) EMAIL_URL must begin with smtp\+tls"),
        ({"MAIL_FROM": None}, r"sensgene\.E010\) MAIL_FROM must be set"),
        ({"MAIL_FROM": "SENSGENE <newsletter@example.org>"}, "MAIL_FROM must look like"),
        ({"MAIL_RETURN": None}, r"sensgene\.E011\) MAIL_RETURN must be set"),
        ({"MAIL_RETURN": "newsletter-returns@example.org"}, r"sensgene\.E012\) MAIL_RETURN must have at most 14"),
        ({"MAIL_LEASE_SECONDS": "149"}, r"sensgene\.E013\) MAIL_LEASE_SECONDS must be 5 times"),
        ({"MAIL_PER_HOUR": "-1"}, r"sensgene\.E014\) MAIL_PER_HOUR must be 1 or more"),
        ({"NEWSLETTER_KEY": None}, "NEWSLETTER_KEY must be set"),
        ({"NEWSLETTER_KEY": "only-for-tests-31-characters-xx"}, r"sensgene\.E015\) NEWSLETTER_KEY must have 32"),
        ({"NEWSLETTER_KEY": PRODUCTION["SECRET_KEY"]}, r"sensgene\.E016\) NEWSLETTER_KEY must differ"),
    ],
    ids=str,
)
def test_a_bad_environment_is_refused_with_one_clear_line(tmp_path, bad, line):
    done = check(tmp_path, **bad)
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode != 0, said
    clear = [each for each in said if re.search(line, each)]
    assert len(clear) == 1, said
    # The value of a secret is nobody's reading.
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "NEWSLETTER_KEY", "EMAIL_URL"):
        assert not (bad.get(name) and any(bad[name] in each.split() for each in said))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("IS_SECURE", False, "E001"),
        ("ALLOWED_HOSTS", [], "E002"),
        ("ALLOWED_HOSTS", ["*"], "E002"),
        ("EMAIL_TIMEOUT", None, "E003"),
        ("EMAIL_TIMEOUT", 0, "E003"),
        ("SECURE_CSP", {}, "E006"),
        ("SECURE_CSP", {"default-src": ["'self'"]}, "E006"),
        ("SECURE_CSP", {"default-src": ["'none'"], "script-src": ["'unsafe-inline'"]}, "E006"),
        ("SECURE_CSP", {"default-src": ["'none'"], "img-src": ["*"]}, "E006"),
        ("SECURE_CSP", {"default-src": ["'none'"], "style-src": ["'self'", "'unsafe-hashes'"]}, "E006"),
        ("STAFF_CSP", {"default-src": ["'none'"], "script-src": ["'unsafe-eval'"]}, "E006"),
        ("SESSION_COOKIE_NAME", "session", "E007"),
        ("CSRF_COOKIE_NAME", "csrf", "E007"),
        ("LANGUAGE_COOKIE_NAME", "language", "E007"),
        ("PREFERENCES_COOKIE_NAME", "prefs", "E007"),
        ("MAIL_SERVER", None, "E008"),
        ("MAIL_SERVER", {"host": "192.0.2.1", "security": "smtp"}, "E009"),
        ("MAIL_FROM", "", "E010"),
        ("MAIL_RETURN", "", "E011"),
        ("MAIL_RETURN", "fifteen-letters@example.org", "E012"),
        ("EMAIL_TIMEOUT", 61, "E013"),
        ("MAIL_PER_HOUR", 0, "E014"),
        ("NEWSLETTER_KEY", "x" * 31, "E015"),
        ("SECRET_KEY_FALLBACKS", ["only-for-tests-" + "n" * 30], "E016"),
    ],
)
def test_each_setting_that_fails_quietly_is_named(secure, settings, name, value, code):
    assert checks.problems() == []
    setattr(settings, name, value)
    assert [identifier for identifier, _text in checks.problems()] == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CONN_MAX_AGE": 600}, "E005"),
        ({"CONN_MAX_AGE": None}, "E005"),  # for ever
        ({"OPTIONS": {"options": "-c statement_timeout=5000"}}, "E004"),
        ({"OPTIONS": {"connect_timeout": 2}}, "E004"),
        ({"OPTIONS": {}}, "E004"),
    ],
)
def test_a_database_connection_that_could_hang_is_refused(secure, settings, monkeypatch, change, code):
    settings.IS_POSTGRESQL = True
    good = {"CONN_MAX_AGE": 0, "OPTIONS": {"connect_timeout": 2, "options": "-c statement_timeout=5000"}}
    monkeypatch.setitem(settings.DATABASES, "default", good)
    assert checks.problems() == []
    monkeypatch.setitem(settings.DATABASES, "default", {**good, **change})
    assert [identifier for identifier, _text in checks.problems()] == [code]


@pytest.fixture
def secure(settings):
    """What an https origin changes in the settings."""
    settings.IS_SECURE = True
    settings.ALLOWED_HOSTS = ["directory.example.org"]
    for name in ("SESSION", "CSRF", "LANGUAGE", "PREFERENCES"):
        setattr(settings, f"{name}_COOKIE_NAME", f"__Host-{name.lower()}")
    settings.MAIL_SERVER = {"host": "127.0.0.1", "security": "smtp"}
    settings.MAIL_FROM, settings.MAIL_RETURN = "newsletter@example.org", "returns@example.org"
    settings.NEWSLETTER_KEY = "only-for-tests-" + "n" * 30


def test_a_secret_made_on_a_laptop_is_made_once_and_readable_by_nobody_else(tmp_path):
    """Only a local address may do without one of the environment's."""
    local = {"SITE_ORIGIN": "http://localhost:8000", "SECRET_KEY": None, "DATABASE_URL": None}
    code = "from django.conf import settings as s; assert s.SECRET_KEY != s.NEWSLETTER_KEY; print(s.SECRET_KEY, s.NEWSLETTER_KEY)"
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "sensgene.settings"}
    environment |= {name: value for name, value in local.items() if value}

    def secret() -> str:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first = secret()
    assert min(map(len, first.split())) >= 50
    assert secret() == first
    made = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert made == {"secret-key": 0, "newsletter-key": 0}


def test_the_server_listens_to_this_machine_only():
    """The edge answers the world; gunicorn believes what the edge tells it, so nobody else may talk to it."""
    assert not re.search(r"^bind\b", (ROOT / "deploy" / "gunicorn.conf.py").read_text(), re.M)
    listens = [
        value
        for path in (ROOT / "deploy").glob("*.socket")
        for value in re.findall(r"^ListenStream=(.+)$", path.read_text(), re.M)
    ]
    assert listens
    assert all(value.startswith(("/", "127.0.0.1:", "[::1]:")) for value in listens)
