"""Spellings of an address: which are accepted, which are one mailbox, and what is hidden of them."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter import addresses

PLAIN = [
    ("Invented.Reader@Example.ORG", "invented.reader@example.org"),
    ("  invented@example.org\n", "invented@example.org"),
    ("invented+tag@example.org", "invented+tag@example.org"),
    ("o'invented_reader-1@example.org", "o'invented_reader-1@example.org"),
    ("invented@müller.example", "invented@xn--mller-kva.example"),
    ("invented@XN--MLLER-KVA.example", "invented@xn--mller-kva.example"),
    ("invented@straße.example", "invented@xn--strae-oqa.example"),  # not strasse.example, which is somebody else
    ("invented@εταιρίας.example", "invented@xn--kxadbnv2cjk.example"),
    ("invented@example。org", "invented@example.org"),  # the full stop of a Japanese keyboard
]


@pytest.mark.parametrize(("typed", "kept"), PLAIN)
def test_an_address_is_kept_in_one_form(typed, kept):
    assert addresses.clean(typed) == kept
    assert addresses.clean(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "invented",
        "invented@",
        "@example.org",
        "invented@example",
        "invented@localhost",
        "invented@[192.0.2.1]",
        "invented@example..org",
        "invented@-example.org",
        "invented reader@example.org",
        '"invented reader"@example.org',
        '"invented\x01"@example.org',
        '"a@b"@example.org',
        "a@b@example.org",
        "invented@example.org\nBcc: other@example.org",
        "invented\r\n@example.org",
        "invented@example.org, other@example.org",
        "Invented <invented@example.org>",
        ".invented@example.org",
        "invented.@example.org",
        "in..vented@example.org",
        "inventé@example.org",
        "\u212aate@example.org",  # the sign for kelvin, whose lower case is an ordinary k
        "\u017fam@example.org",  # the long s
        "invented@exa\x00mple.org",
        "x" * 65 + "@example.org",
        "invented@" + "x" * 64 + ".org",
        "invented@" + "x." * 130 + "org",
        "ü" * 10_000 + "@" + "ü" * 10_000,
    ],
)
def test_anything_else_is_refused_in_words(typed):
    with pytest.raises(ValidationError, match="(name|nom)@example.org") as caught:
        addresses.clean(typed)
    assert caught.value.code == "address"


@given(st.one_of(st.text(max_size=80), st.emails(), st.from_regex(r"\A.{1,20}@.{1,20}\.[a-z]{2,4}\Z")))
@example("ß@ß.ß")
@example("a@\u3002")
@example("a@xn--a")
@example("a@xn--zzzzzzzzzzzzzzzzzzzzzzz.org")
def test_whatever_is_typed_is_refused_or_harmless(typed):
    try:
        address = addresses.clean(typed)
    except ValidationError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert address.count("@") == 1
    assert not set(address) & set(' <>,;:()[]\\"\r\n\t')
    assert address == address.lower()
    assert len(address) <= 254
    assert addresses.clean(address) == address
    assert addresses.domain(addresses.counted(address)) == addresses.domain(address)


def test_spellings_of_one_mailbox_count_as_one():
    spellings = ["Jean.Invente@example.org", "jeaninvente@example.org", "j.e.an.invente+1@example.org"]
    assert {addresses.counted(addresses.clean(each)) for each in spellings} == {"jeaninvente@example.org"}
    assert addresses.counted("jean@googlemail.com") == addresses.counted("je.an+x@gmail.com")
    assert addresses.counted("jean-news@yahoo.fr") == addresses.counted("jean@yahoo.fr")
    assert addresses.counted("jean-news@example.org") != addresses.counted("jean@example.org")
    assert addresses.counted("jean@a.example.org") != addresses.counted("jean@example.org")
    assert addresses.counted("+@example.org") == "+@example.org"  # nothing is left without it


def test_a_digest_needs_the_key(settings):
    digest = addresses.digest("invented@example.org")
    assert len(digest) == 64
    assert addresses.digest("invented@example.org") == digest
    settings.SECRET_KEY = "another-" * 10
    assert addresses.digest("invented@example.org") == digest  # it outlives that one
    settings.NEWSLETTER_KEY = "another-" * 10
    assert addresses.digest("invented@example.org") != digest


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("5.1.1 <invented.reader@example.org>: unknown", "5.1.1 <…>: unknown"),
        ("Invented.Reader@EXAMPLE.org and other@example.com", "… and …"),
        ("mailbox invented.reader is full", "mailbox … is full"),
        ("rfc822;invented.reader@example.org", "rfc822;…"),
        ("see https://example.org/?a=invented.reader%40example.org", "see https:…"),
        ("line\r\n\x00\x1b[31m next\u202e", "line [31m next"),
        ("inventé@exemple.fr", "…"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_a_server_said_is_shown_without_addresses(words, shown):
    assert addresses.hidden(words, "invented.reader@example.org") == shown


@given(st.text(max_size=600), st.text(max_size=600))
def test_what_is_shown_is_one_short_line(before, after):
    shown = addresses.hidden(f"{before} invented.reader@example.org {after}", "invented.reader@example.org")
    assert len(shown) <= 300
    assert shown.isprintable()
    assert "invented.reader" not in shown.lower()
