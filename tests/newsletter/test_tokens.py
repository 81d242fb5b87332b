"""A mailed link does what it is for, as long as it should, and the table behind it opens nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.urls import reverse

from newsletter import subscriptions, tokens
from newsletter.models import Purpose, Standing, Token
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def link(purpose: Purpose, subscriber=None) -> str:
    """The secret of a link that was mailed."""
    made = tokens.make(purpose, subscriber or factories.consenting_subscriber(), NOW)
    made.token.save()
    return made.url.rpartition("/")[2]


def test_the_secret_is_nowhere_in_the_database():
    secrets = [link(purpose) for purpose in Purpose]
    dump = [
        repr(row) for model in apps.get_app_config("newsletter").get_models() for row in model._base_manager.values()
    ]
    assert len(dump) > len(secrets)
    assert not [secret for secret in secrets if any(secret in row for row in dump)]


def test_a_link_is_short_and_never_the_same(settings):
    subscriber = factories.consenting_subscriber()
    made = {tokens.make(Purpose.LEAVE, subscriber, NOW).url for _each in range(100)}
    assert len(made) == 100
    assert all(len(url) <= 76 for url in made if "localhost" in url)
    assert {url.rpartition("/")[0] for url in made} == {f"{settings.SITE_ORIGIN}/n"}
    assert not Token.objects.exists()  # whoever makes it stores it


@pytest.mark.parametrize(
    ("purpose", "works_for"),
    [
        (Purpose.CONFIRM, 7 * DAY),
        (Purpose.RETURN, 7 * DAY),
        (Purpose.MANAGE, DAY),
        (Purpose.STAY, 30 * DAY),
    ],
)
def test_a_link_expires(purpose, works_for):
    secret = link(purpose)
    assert tokens.find(secret, NOW + works_for - timedelta(seconds=1)).purpose == purpose
    assert tokens.find(secret, NOW + works_for) is None


@pytest.mark.parametrize("purpose", [Purpose.LEAVE, Purpose.NEVER])
def test_a_link_to_leave_works_for_years(purpose):
    secret = link(purpose)
    subscriptions.tidy(NOW + 365 * DAY)
    assert tokens.find(secret, NOW + 3650 * DAY)


def test_a_link_is_used_up_once_and_is_found_afterwards():
    secret = link(Purpose.CONFIRM)
    assert subscriptions.use(tokens.find(secret, NOW), NOW)
    assert tokens.find(secret, NOW).used_at == NOW
    assert not subscriptions.use(Token.objects.get(), NOW)


def test_nothing_but_the_whole_secret_works():
    secret = link(Purpose.LEAVE)
    other = "A" if secret[-2] != "A" else "B"
    near = [secret[:-1], secret + "A", secret[:-2] + other + secret[-1], secret.swapcase(), f" {secret}", f"{secret}\n"]
    digest = Token.objects.get().digest
    assert tokens.find(secret, NOW)
    assert not [each for each in (*near, digest, digest[:43], "", "\x00" * 43, "é" * 43) if tokens.find(each, NOW)]


def test_a_link_outlives_a_rotated_key(settings):
    secret = link(Purpose.LEAVE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 10, []
    assert tokens.find(secret, NOW)


def test_a_link_dies_with_its_person():
    subscriber = factories.consenting_subscriber()
    secret = link(Purpose.MANAGE, subscriber)
    subscriptions.erase(subscriber, NOW)
    assert tokens.find(secret, NOW) is None


def test_used_and_expired_links_are_forgotten():
    secret = link(Purpose.MANAGE)
    subscriptions.tidy(NOW + DAY)
    assert not Token.objects.exists()
    assert tokens.find(secret, NOW) is None


def test_one_purpose_does_not_do_anothers_work():
    subscriber = factories.consenting_subscriber(standing=Standing.LEFT)
    token = tokens.find(link(Purpose.LEAVE, subscriber), NOW)
    assert token.purpose == Purpose.LEAVE
    assert subscriptions.confirm(token, NOW) is False
    assert reverse("own-link", args=["x" * 43])
