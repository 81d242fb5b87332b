"""After a restore, one command."""

import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from newsletter import subscriptions
from tests import factories

pytestmark = pytest.mark.django_db


def said(*command, **options) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue().strip()


def test_erasures_are_applied_after_a_restore():
    assert said("apply_erasures") == "Erased again: 0."
    subscriber = factories.consenting_subscriber()
    subscriptions.remember(subscriber.digest, "erased", timezone.now())
    assert said("apply_erasures") == "Erased again: 1."
