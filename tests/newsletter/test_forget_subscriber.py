"""Erasure on request, which repeats the address nowhere."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import Subscriber
from tests import factories

pytestmark = pytest.mark.django_db

ADDRESS = "invented.reader@example.org"


def said(*command, **options) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue().strip()


def test_an_erasure_on_request_repeats_no_address(caplog, monkeypatch):
    factories.consenting_subscriber(address=ADDRESS)
    words = said("forget_subscriber", "Invented.Reader@EXAMPLE.org")
    assert words == "Erased."
    assert not Subscriber.objects.exists()
    assert said("forget_subscriber", ADDRESS).startswith("Not known.")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ADDRESS}\n"))
    factories.consenting_subscriber(address=ADDRESS)
    assert said("forget_subscriber", "-") == "Erased."
    with pytest.raises(CommandError) as caught:
        said("forget_subscriber", f"{ADDRESS}@")
    assert ADDRESS not in caplog.text + str(caught.value)
