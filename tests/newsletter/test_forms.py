"""What visitors type: what is taken, what is refused in words, what never reaches a letter."""

import hashlib
from datetime import UTC, datetime
from email import message_from_bytes, policy
from unittest import mock

import pytest
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter import messages, subscriptions
from newsletter.forms import CONSENT, SECONDS_OF_VALIDITY, AddressForm, LinkForm, SubscribeForm, stamp
from newsletter.models import Delivery, Subscriber

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00", "\t"]


def shown(seconds_ago: int) -> str:
    """The stamp of a form that was shown a while ago."""
    import time

    with mock.patch("time.time", return_value=time.time() - seconds_ago):
        return stamp()


def typed(**fields) -> dict[str, str]:
    return {"address": "invented@example.org", "language": "de", "subject": "", "shown": shown(60), **fields}


# --- The sentence somebody agrees to ------------------------------------------------------------------------------

# Version of the wording → what it says in French, English and German. A new sentence needs a new version, and the old
# one stays here: the ledger of consents names it.
WORDINGS = {"2026-11": "a12d8e0cde2bdca0b526be6423358084feffe87177e9c7baa12c19a09a1ff4ca"}


def test_the_version_of_the_consent_names_its_words():
    words = []
    for language in ("fr", "en", "de"):
        with translation.override(language):
            words.append(str(CONSENT))
    assert len(set(words)) == 3
    assert WORDINGS[subscriptions.WORDING] == hashlib.sha256("\n".join(words).encode()).hexdigest()


# --- Against machines ---------------------------------------------------------------------------------------------


def test_a_filled_form_is_taken():
    form = SubscribeForm(typed())
    assert form.is_valid(), form.errors
    assert (form.cleaned_data["address"], form.cleaned_data["language"]) == ("invented@example.org", "de")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"subject": "buy"}, "subject"),
        ({"shown": ""}, "__all__"),
        ({"shown": "forged:1:2"}, "__all__"),
        ({"shown": shown(-600)}, "__all__"),
        ({"shown": shown(SECONDS_OF_VALIDITY + 10)}, "__all__"),
        ({"language": ""}, "language"),
        ({"language": "xx"}, "language"),
        ({"address": ""}, "address"),
        ({"address": "nobody"}, "address"),
        ({"address": "a@b@example.org"}, "address"),
        ({"address": "invented@[127.0.0.1]"}, "address"),
        ({"address": "x" * 65 + "@example.org"}, "address"),
        ({"address": "x@" + "a." * 150 + "org"}, "address"),
    ],
)
def test_what_is_refused_is_said_where_it_is(fields, where):
    form = SubscribeForm(typed(**fields))
    assert not form.is_valid()
    assert list(form.errors) == [where]


def test_every_refusal_is_said_in_the_language_of_the_page():
    said = set()
    for language in ("fr", "en", "de"):
        with translation.override(language):
            said.add(str(AddressForm(typed(address="nobody")).errors["address"][0]))
    assert len(said) == 3


def test_a_form_that_was_open_for_six_days_is_taken():
    assert AddressForm(typed(shown=shown(6 * 24 * 3600))).is_valid()


def test_an_address_of_another_alphabet_is_written_as_the_network_knows_it():
    form = AddressForm(typed(address=" Invented@Bücher.example "))
    assert form.is_valid()
    assert form.cleaned_data["address"] == "invented@xn--bcher-kva.example"


def test_one_click_means_leave_and_nothing_else():
    one_click = LinkForm({"List-Unsubscribe": "One-Click"})
    assert one_click.is_valid()
    assert one_click.cleaned_data["action"] == "leave"
    assert not LinkForm({"action": "anything"}).is_valid()


# --- Nothing from a form steers a letter (T7) ---------------------------------------------------------------------

pieces = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*LINE_ENDS, "@", "invented@example.org", "Bcc: other@example.org", ",", "<", ">", ":", "%0a"]),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@example("invented@example.org\r\nBcc: other@example.org")
@example("invented@example.org\u2028Bcc: other@example.org")
@example("invented@example.org\x85 ,other@example.org")
@example("\ninvented@example.org\n")
@given(st.lists(pieces, max_size=6).map("".join))
def test_whatever_is_typed_a_letter_has_one_recipient_and_our_headers_only(text):
    form = AddressForm(typed(address=text))
    if not form.is_valid():
        return
    address = form.cleaned_data["address"]
    assert address.isascii() or "@" in address
    assert len(address.splitlines()) == 1
    someone = Subscriber(pk=1, address=address, language="fr")
    letter = Delivery(pk=1, kind="manage", subscriber=someone, address=address, language="fr", written_at=NOW)
    letter.message_id = "<invented@localhost>"
    content = messages.compose(letter, someone, NOW).content
    parsed = message_from_bytes(content, policy=policy.default)
    assert set(parsed.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Content-Language", "List-Id", "Auto-Submitted"),
        *("MIME-Version", "Content-Type"),
    }
    assert [each.addr_spec for each in parsed["To"].addresses] == [address]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_no_address_with_a_line_end_inside_is_taken(end):
    for text in (f"inv{end}ented@example.org", f"invented@exa{end}mple.org", f"invented@example.org{end}x@example.org"):
        assert not AddressForm(typed(address=text)).is_valid(), repr(text)
