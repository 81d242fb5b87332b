"""Signing up, confirming, leaving, coming back, being forgotten: who is written to, and what is kept of whom."""

import base64
import json
import quopri
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction

from newsletter import addresses, limits, relay, subscriptions, tokens
from newsletter.journal import NoJournal
from newsletter.models import (
    Bounce,
    Consent,
    Delivery,
    Enquiry,
    Purpose,
    Standing,
    Subscriber,
    Suppression,
    Token,
    Transit,
    Trouble,
)
from newsletter.sending import Worker
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ADDRESS = "invented.reader@example.org"


def asks(address: str = ADDRESS, moment: datetime = NOW, **fields) -> None:
    """A visitor sends the form, and the worker reads it."""
    defaults = {"kind": Enquiry.Kind.SUBSCRIBE, "language": "de", "wording": "invented", "page": "/invented/"}
    enquiry = Enquiry.objects.create(address=address, typed_at=moment, **{**defaults, **fields})
    subscriptions.answer(enquiry, moment)


def link(purpose: Purpose, subscriber: Subscriber, moment: datetime = NOW) -> Token:
    made = tokens.make(purpose, subscriber, moment)
    made.token.save()
    return made.token


def letters(**fields) -> list[str]:
    return list(Delivery.objects.filter(**fields).order_by("pk").values_list("kind", flat=True))


def only() -> Subscriber:
    return Subscriber.objects.get()


def gone(standing: Standing, since: datetime = NOW, **fields) -> Subscriber:
    return factories.consenting_subscriber(standing=standing, standing_since=since, last_sign_at=since - DAY, **fields)


# --- Signing up ---------------------------------------------------------------------------------------------------


def test_a_new_address_gets_one_letter_and_waits():
    asks()
    subscriber, consent = only(), Consent.objects.get()
    assert (subscriber.standing, subscriber.language, subscriber.address) == (Standing.PENDING, "de", ADDRESS)
    assert (consent.wording, consent.page, consent.requested_at) == ("invented", "/invented/", NOW)
    assert (consent.confirmed_at, consent.withdrawn_at) == (None, None)
    assert letters(address=ADDRESS, state=Transit.PENDING, language="de") == ["confirm"]
    assert not Enquiry.objects.exists()


def test_an_active_address_is_told_so_and_nothing_changes():
    before = factories.consenting_subscriber(address=ADDRESS)
    asks()
    assert letters() == ["already"]
    assert only().language == before.language
    assert only().standing == Standing.ACTIVE


def test_only_a_subscriber_gets_the_link_to_their_page():
    asks(kind=Enquiry.Kind.MANAGE)
    gone(Standing.LEFT, address="left@example.org")
    asks("left@example.org", kind=Enquiry.Kind.MANAGE)
    assert letters() == []
    factories.consenting_subscriber(address=ADDRESS)
    asks(kind=Enquiry.Kind.MANAGE)
    assert letters(address=ADDRESS) == ["manage"]
    assert Subscriber.objects.count() == 2


@pytest.mark.parametrize("standing", [Standing.LEFT, Standing.BOUNCED])
def test_who_is_off_the_list_may_sign_up_anew(standing):
    gone(standing, address=ADDRESS)
    asks()
    assert letters() == ["confirm"]
    assert only().standing == Standing.PENDING
    assert Consent.objects.count() == 2  # the proof of the first stays


def test_who_complained_or_asked_for_silence_is_never_written_to():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    subscriptions.never_again(subscriber, NOW)
    gone(Standing.COMPLAINED, address="complained@example.org")
    for address in (ADDRESS, "complained@example.org"):
        for kind in Enquiry.Kind.values:
            asks(address, kind=kind)
    assert letters() == []
    assert not Enquiry.objects.exists()


def test_one_letter_a_day_and_three_a_month_whatever_the_spelling():
    spellings = ["invented.reader@example.org", "inventedreader@example.org", "invented.reader+tag@example.org"]
    for day in range(10):
        for hour, spelling in enumerate(spellings):
            asks(spelling, NOW + day * DAY + timedelta(hours=hour))
        assert len(letters()) == min(day + 1, 3)
    asks(moment=NOW + 31 * DAY)
    assert len(letters()) == 4


def test_a_bombed_domain_waits_in_a_queue():
    for number in range(120):
        asks(f"invented{number}@example.org")
    waits = [delivery.next_try - NOW for delivery in Delivery.objects.order_by("pk")]
    assert waits == [timedelta(0)] * 50 + [limits.HOUR] * 50 + [2 * limits.HOUR] * 20
    assert Trouble.objects.get().key == "sign-ups"
    asks("invented@other.example.org")
    assert Delivery.objects.latest("pk").next_try == NOW


def test_workers_that_read_several_forms_of_one_person_make_one_subscriber(at_once):
    def read() -> None:
        with transaction.atomic():
            enquiry = Enquiry(kind="subscribe", address=ADDRESS, language="fr", typed_at=NOW)
            enquiry.save()
            try:
                subscriptions.answer(enquiry, NOW)
            except IntegrityError:
                transaction.set_rollback(True)

    at_once(6, read)
    assert at_once(1, lambda: (Subscriber.objects.count(), Delivery.objects.count())) == [(1, 1)]


# --- Confirming, leaving, coming back -----------------------------------------------------------------------------


def test_a_confirmation_is_noted_once(at_once):
    def prepare() -> None:
        asks()
        link(Purpose.CONFIRM, only())

    def press() -> bool:
        return subscriptions.confirm(Token.objects.select_related("subscriber").get(), NOW + DAY)

    at_once(1, prepare)
    assert sorted(at_once(8, press)) == [False] * 7 + [True]

    def look() -> tuple:
        consent = Consent.objects.get()
        return only().standing, only().standing_since, consent.confirmed_at, consent.withdrawn_at

    assert at_once(1, look) == [(Standing.ACTIVE, NOW + DAY, NOW + DAY, None)]


def test_leaving_cancels_what_waits_and_says_so_once():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    states = (Transit.PENDING, Transit.CLAIMED, Transit.QUARANTINED, Transit.DISPATCHING, Transit.SENT)
    for state in states:
        factories.sent_delivery(subscriber=subscriber, state=state)
    for _each in range(3):
        subscriptions.leave(subscriber, NOW)
    assert only().standing == Standing.LEFT
    assert Consent.objects.get().withdrawn_at == NOW
    left = list(Delivery.objects.filter(kind="issue").order_by("pk").values_list("state", flat=True))
    assert left == ["cancelled", "cancelled", "cancelled", "dispatching", "sent"]
    assert letters(state=Transit.PENDING) == ["goodbye"]


def test_who_never_confirmed_leaves_without_a_notice():
    asks()
    subscriptions.leave(only(), NOW)
    assert letters(state=Transit.PENDING) == []
    assert only().standing == Standing.LEFT


def test_coming_back_is_one_press_within_days():
    subscriber = factories.consenting_subscriber(address=ADDRESS, last_sign_at=NOW - DAY)
    subscriptions.leave(subscriber, NOW)
    token = link(Purpose.RETURN, subscriber)
    assert subscriptions.come_back(token, NOW + DAY)
    assert not subscriptions.come_back(token, NOW + DAY)
    first, second = Consent.objects.all()
    assert (first.withdrawn_at, second.confirmed_at, second.withdrawn_at) == (NOW, NOW + DAY, None)
    assert only().standing == Standing.ACTIVE
    subscriptions.leave(only(), NOW + 2 * DAY)
    late = link(Purpose.RETURN, subscriber)
    subscriptions.tidy(NOW + 9 * DAY)
    assert not subscriptions.come_back(late, NOW + 9 * DAY)


def test_silence_leaves_nothing_but_a_digest():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    subscriptions.never_again(subscriber, NOW)
    subscriptions.never_again(subscriber, NOW)
    assert not Subscriber.objects.exists()
    assert letters(state=Transit.PENDING) == []
    suppression = Suppression.objects.get()
    assert (suppression.digest, suppression.reason) == (addresses.digest(ADDRESS), Suppression.Reason.ASKED)


def test_a_form_read_while_somebody_asks_for_silence_writes_no_letter(at_once):
    """Whichever is first: in the end there is no letter that may leave, and nobody."""
    (pk,) = at_once(1, lambda: factories.consenting_subscriber(address=ADDRESS).pk)
    turns = count()

    def act() -> None:
        if next(turns) % 2:
            subscriptions.never_again(Subscriber(pk=pk, digest=addresses.digest(ADDRESS)), NOW)
        else:
            asks()

    at_once(8, act)
    assert at_once(1, lambda: (letters(state=Transit.PENDING), Subscriber.objects.count())) == [([], 0)]


def test_a_sign_of_life_puts_the_question_off():
    subscriber = factories.consenting_subscriber(asked_again_at=NOW - DAY)
    subscriptions.set_language(subscriber, "en", NOW)
    subscriber.refresh_from_db()
    assert (subscriber.language, subscriber.last_sign_at, subscriber.asked_again_at) == ("en", NOW, None)


def test_everything_that_is_kept_can_be_exported():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    delivery = factories.sent_delivery(subscriber=subscriber, last_code="250")
    subscriptions.note_bounce(factories.report(delivery=delivery, kind=Bounce.Kind.SOFT, diagnostic="full"), NOW)
    link(Purpose.MANAGE, subscriber)
    found = json.loads(json.dumps(subscriptions.export(subscriber), cls=DjangoJSONEncoder))
    assert found["address"] == ADDRESS
    assert [found["letters"][0]["last_code"], found["bounces"][0]["diagnostic"]] == ["250", "full"]
    assert found["links"][0]["purpose"] == "manage"
    assert found["consents"][0]["confirmed_at"]


def test_a_refusal_and_a_leaving_at_one_moment_do_not_wait_for_each_other(at_once):
    """Each wants the person and the letter, so both must take them in one order."""

    def prepare() -> tuple:
        subscriber = factories.consenting_subscriber()
        worker = Worker(way=relay.Folder(settings.MAIL_DIR), remembers=NoJournal())
        delivery = factories.sent_delivery(subscriber=subscriber, state=Transit.CLAIMED, lease=worker.name)
        return worker, Delivery.objects.select_related("subscriber").get(pk=delivery.pk), Subscriber(pk=subscriber.pk)

    for _each in range(8):
        ((worker, delivery, subscriber),) = at_once(1, prepare)
        refusal = relay.Refusal(550, "5.1.1 invented", "RCPT")
        acts = iter(
            [
                lambda w=worker, d=delivery, r=refusal: w.refused(d, Transit.CLAIMED, r),
                lambda s=subscriber: subscriptions.leave(s, NOW),
                lambda s=subscriber: subscriptions.erase(Subscriber.objects.filter(pk=s.pk).first() or s, NOW),
            ]
        )
        at_once(3, lambda a=acts: next(a)())
    assert at_once(1, Subscriber.objects.count) == [0]


# --- Reports ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.PENDING, Standing.LEFT])
def test_an_address_that_is_refused_for_good_is_off_at_once(standing):
    subscriber = factories.consenting_subscriber(standing=standing)
    waiting = factories.sent_delivery(subscriber=subscriber, state=Transit.PENDING)
    assert subscriptions.note_bounce(factories.report(subscriber=subscriber), NOW)
    assert only().standing == Standing.BOUNCED
    waiting.refresh_from_db()
    assert waiting.state == Transit.CANCELLED
    assert not Consent.objects.filter(withdrawn_at=None).exists()


def soft(subscriber: Subscriber, moment: datetime) -> None:
    report = factories.report(subscriber=subscriber, kind=Bounce.Kind.SOFT, status="4.2.2", received_at=moment)
    subscriptions.note_bounce(report, moment)


def test_five_soft_bounces_within_thirty_days_are_enough():
    subscriber = factories.consenting_subscriber()
    for day in range(4):
        soft(subscriber, NOW + day * DAY)
        assert only().standing == Standing.ACTIVE
    soft(subscriber, NOW + 29 * DAY)
    assert only().standing == Standing.BOUNCED


def test_soft_bounces_far_apart_are_not():
    subscriber = factories.consenting_subscriber()
    for number in range(20):
        soft(subscriber, NOW + number * timedelta(days=7.5))
    assert only().standing == Standing.ACTIVE


def test_a_complaint_is_for_ever():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    subscriptions.note_bounce(factories.report(subscriber=subscriber, kind=Bounce.Kind.COMPLAINT), NOW)
    assert only().standing == Standing.COMPLAINED
    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINT
    subscriptions.tidy(NOW + 8 * DAY)
    asks(moment=NOW + 9 * DAY)
    assert letters(state=Transit.PENDING) == []


def test_a_report_read_twice_counts_once():
    subscriber = factories.consenting_subscriber()
    report = {"subscriber": subscriber, "kind": Bounce.Kind.SOFT, "fingerprint": "the same"}
    delivery = factories.sent_delivery(subscriber=subscriber)
    assert subscriptions.note_bounce(factories.report(delivery=delivery, **report), NOW)
    assert not subscriptions.note_bounce(factories.report(delivery=delivery, **report), NOW)
    assert Bounce.objects.count() == 1


def test_a_report_about_somebody_erased_is_nothing():
    subscriber = factories.consenting_subscriber()
    report = factories.report(subscriber=subscriber)
    subscriptions.erase(subscriber, NOW)
    assert not subscriptions.note_bounce(report, NOW)
    report.subscriber_id = None
    assert not subscriptions.note_bounce(report, NOW)


# --- Forgetting ---------------------------------------------------------------------------------------------------


def traces(address: str) -> list[str]:
    """The tables in which an address is found, in whatever writing."""
    writings = {
        address,
        address.upper(),
        address.replace("@", "=40"),
        quopri.encodestring(address.encode(), quotetabs=True).decode(),
        *(base64.b64encode(b"x" * shift + address.encode())[4:-4].decode() for shift in range(3)),
        address.partition("@")[0],
    }
    found, rows = [], 0
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                rows += 1
                if any(writing in repr(row) for writing in writings):
                    found.append(table)
    assert rows > 0
    return sorted(set(found))


def full_life(settings) -> Subscriber:
    """Somebody of whom every table knows something."""
    asks()
    subscriber = only()
    subscriptions.confirm(link(Purpose.CONFIRM, subscriber), NOW)
    for state in Transit.values:
        reply = f"250 {ADDRESS} noted" if state == Transit.SENT else ""
        delivery = factories.sent_delivery(subscriber=subscriber, state=state, last_reply=reply)
    soft_one = factories.report(delivery=delivery, kind=Bounce.Kind.SOFT, diagnostic=f"{ADDRESS} is full")
    subscriptions.note_bounce(soft_one, NOW)
    subscriber.refresh_from_db()
    Enquiry.objects.create(kind="manage", address=ADDRESS, language="fr", typed_at=NOW)
    factories.sent_delivery(kind=Delivery.Kind.TEST, subscriber=None, address=ADDRESS, ended_at=NOW)
    settings.MAIL_DIR.mkdir()
    for delivery in subscriber.deliveries.all():
        name = delivery.message_id.strip("<>").partition("@")[0]
        (settings.MAIL_DIR / f"{name}.eml").write_text(f"To: {ADDRESS}")
    return subscriber


def test_after_an_erasure_no_table_and_no_file_holds_the_address(settings, tmp_path):
    subscriber = full_life(settings)
    assert len(traces(ADDRESS)) == 4
    subscriptions.erase(subscriber, NOW)
    assert traces(ADDRESS) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ADDRESS in path.read_text()]
    assert not Delivery.objects.exclude(subscriber=None).exists()
    open_states = (Transit.PENDING, Transit.CLAIMED, Transit.QUARANTINED)
    assert not Delivery.objects.filter(state__in=open_states).exists()


def test_an_erasure_reaches_the_proof_of_an_earlier_subscription():
    gone(Standing.LEFT, address=ADDRESS)
    subscriptions.tidy(NOW + 8 * DAY)
    asks(moment=NOW + 9 * DAY)
    assert Subscriber.objects.count() == 2
    subscriptions.erase(Subscriber.objects.get(address=ADDRESS), NOW + 10 * DAY)
    assert not Subscriber.objects.exists()


def test_erasing_by_address_says_whether_it_was_known(settings):
    factories.consenting_subscriber(address=ADDRESS)
    assert subscriptions.forget(ADDRESS, NOW)
    assert not subscriptions.forget(ADDRESS, NOW)
    Enquiry.objects.create(kind="manage", address=ADDRESS, language="fr", typed_at=NOW)
    assert subscriptions.forget(ADDRESS, NOW)
    assert traces(ADDRESS) == []
    journal = settings.ERASURE_JOURNAL.read_text()
    assert journal.count(addresses.digest(ADDRESS)) == 3
    assert ADDRESS not in journal
    assert settings.ERASURE_JOURNAL.stat().st_mode & 0o077 == 0


def test_nothing_is_erased_if_it_cannot_be_noted(settings, tmp_path):
    subscriber = factories.consenting_subscriber()
    (tmp_path / "file").write_text("")
    settings.ERASURE_JOURNAL = tmp_path / "file" / "erasures"
    with pytest.raises(OSError):
        subscriptions.erase(subscriber, NOW)
    assert Subscriber.objects.exists()


# --- After a restore ----------------------------------------------------------------------------------------------


def restore(*people: Subscriber) -> None:
    """The rows as a backup had them."""
    for subscriber in people:
        consents = getattr(subscriber, "kept", [])
        subscriber.save(force_insert=True)
        Consent.objects.bulk_create(consents)


def backed_up(**fields) -> Subscriber:
    subscriber = factories.consenting_subscriber(last_sign_at=NOW - 10 * DAY, **fields)
    subscriber.kept = list(subscriber.consents.all())
    return subscriber


def test_a_restored_person_is_erased_again_as_often_as_needed(settings):
    subscriber = backed_up(address=ADDRESS)
    other = backed_up()
    pk = subscriber.pk
    subscriptions.erase(Subscriber.objects.get(pk=pk), NOW)
    for _each in range(2):
        subscriber.pk = pk
        restore(subscriber)
        assert traces(ADDRESS)
        assert subscriptions.apply_erasures(NOW + DAY) == 1
        assert traces(ADDRESS) == []
        assert only().pk == other.pk
    assert subscriptions.apply_erasures(NOW + DAY) == 0
    assert len(settings.ERASURE_JOURNAL.read_text().splitlines()) == 1


def test_never_means_never_after_a_restore_too():
    subscriber = backed_up(address=ADDRESS)
    pk = subscriber.pk
    subscriptions.never_again(Subscriber.objects.get(pk=pk), NOW)
    Suppression.objects.all().delete()
    subscriber.pk = pk
    restore(subscriber)
    assert subscriptions.apply_erasures(NOW + DAY) == 1
    suppression = Suppression.objects.get()
    assert (suppression.digest, suppression.since) == (addresses.digest(ADDRESS), NOW)
    asks(moment=NOW + 2 * DAY)
    assert letters() == []


def test_who_signed_up_anew_after_the_erasure_stays():
    subscriptions.erase(backed_up(address=ADDRESS), NOW)
    asks(moment=NOW + SECOND)
    assert subscriptions.apply_erasures(NOW + 30 * DAY) == 0
    assert only().address == ADDRESS
    # Nor does a second restore, of a state in between, count from the first one.
    old = backed_up(address="other@example.org")
    subscriptions.erase(Subscriber.objects.get(pk=old.pk), NOW)
    asks("other@example.org", moment=NOW + DAY)
    subscriptions.apply_erasures(NOW + 2 * DAY)
    assert subscriptions.apply_erasures(NOW + 3 * DAY) == 0
    assert Subscriber.objects.count() == 2


def test_a_proof_that_expired_erases_nobody_who_came_later():
    gone(Standing.LEFT, address=ADDRESS)
    subscriptions.tidy(NOW + 8 * DAY)
    asks(moment=NOW + 100 * DAY)
    subscriptions.confirm(link(Purpose.CONFIRM, Subscriber.objects.get(address=ADDRESS)), NOW + 101 * DAY)
    subscriptions.set_language(Subscriber.objects.get(address=ADDRESS), "en", NOW + 1090 * DAY)
    assert subscriptions.tidy(NOW + 1100 * DAY)["proofs"] == 1
    assert subscriptions.apply_erasures(NOW + 1101 * DAY) == 0
    assert only().standing == Standing.ACTIVE


def test_who_left_or_complained_since_the_backup_is_off_the_list_again():
    left, complained, came_back = backed_up(), backed_up(), backed_up()
    subscriptions.leave(left, NOW)
    subscriptions.note_bounce(factories.report(subscriber=complained, kind=Bounce.Kind.COMPLAINT), NOW)
    subscriptions.leave(came_back, NOW)
    subscriptions.come_back(link(Purpose.RETURN, came_back), NOW + SECOND)
    Suppression.objects.all().delete()
    Subscriber.objects.update(standing=Standing.ACTIVE)
    waiting = factories.sent_delivery(subscriber=left, state=Transit.PENDING)
    assert subscriptions.apply_erasures(NOW + DAY) == 0
    standings = [Subscriber.objects.get(pk=each.pk).standing for each in (left, complained, came_back)]
    assert standings == [Standing.LEFT, Standing.COMPLAINED, Standing.ACTIVE]
    assert subscriptions.is_suppressed(complained.address)
    waiting.refresh_from_db()
    assert waiting.state == Transit.CANCELLED
    assert letters(state=Transit.PENDING, subscriber=left) in ([], ["goodbye"])


def test_a_journal_cut_off_in_the_middle_loses_one_line_at_most(settings):
    first, second = backed_up(), backed_up()
    with open(settings.ERASURE_JOURNAL, "ab") as journal:
        journal.write(
            b"nonsense\n\n\xff\xfe\n2026-11-24T12:00:00 abc erased\nyesterday " + b"0" * 64 + b" erased\n2026-"
        )
    subscriptions.remember(first.digest, "erased", NOW)
    assert subscriptions.apply_erasures(NOW) == 1
    assert only().pk == second.pk


def test_without_a_journal_nothing_happens():
    factories.consenting_subscriber()
    assert subscriptions.apply_erasures(NOW) == 0
    assert Subscriber.objects.exists()


# --- What time does -----------------------------------------------------------------------------------------------


def test_who_never_confirms_is_forgotten_after_seven_days():
    asks()
    assert subscriptions.tidy(NOW + 7 * DAY - SECOND)["unconfirmed"] == 0
    assert subscriptions.tidy(NOW + 7 * DAY)["unconfirmed"] == 1
    assert traces(ADDRESS) == []
    assert not Subscriber.objects.exists()
    assert not Consent.objects.exists()
    assert letters(state=Transit.PENDING) == []


@pytest.mark.parametrize("standing", [Standing.LEFT, Standing.BOUNCED, Standing.COMPLAINED])
def test_seven_days_after_somebody_is_gone_the_proof_stays_and_the_address_goes(standing, settings):
    subscriber = gone(standing, address=ADDRESS)
    delivery = factories.sent_delivery(subscriber=subscriber, last_reply="said something")
    assert subscriptions.tidy(NOW + 7 * DAY - SECOND)["addresses emptied"] == 0
    assert subscriptions.tidy(NOW + 7 * DAY)["addresses emptied"] == 1
    assert traces(ADDRESS) == []
    assert (only().standing, only().digest) == (standing, addresses.digest(ADDRESS))
    assert Consent.objects.get().confirmed_at
    delivery.refresh_from_db()
    assert delivery.last_reply == ""
    assert subscriptions.tidy(NOW + 8 * DAY)["addresses emptied"] == 0


def test_of_who_is_gone_and_had_never_confirmed_nothing_stays():
    asks()
    subscriptions.note_bounce(factories.report(subscriber=only()), NOW)
    asks("other@example.org")
    subscriptions.leave(Subscriber.objects.get(address="other@example.org"), NOW)
    subscriptions.tidy(NOW + 7 * DAY)
    assert not Subscriber.objects.exists()
    assert not Bounce.objects.exists()


def test_a_stranger_who_types_the_address_of_somebody_gone_takes_no_proof_away():
    gone(Standing.LEFT, address=ADDRESS)
    asks(moment=NOW + DAY)
    subscriptions.tidy(NOW + 8 * DAY)
    assert (only().standing, only().address, only().standing_since) == (Standing.LEFT, "", NOW)
    assert Consent.objects.get().confirmed_at


def test_proofs_are_kept_for_three_years():
    gone(Standing.LEFT)
    subscriptions.tidy(NOW + 7 * DAY)
    assert subscriptions.tidy(NOW + 1095 * DAY - SECOND)["proofs"] == 0
    assert subscriptions.tidy(NOW + 1095 * DAY)["proofs"] == 1
    assert not Subscriber.objects.exists()


def test_who_is_silent_for_two_years_is_asked_once_then_forgotten():
    factories.consenting_subscriber(address=ADDRESS, last_sign_at=NOW)
    assert subscriptions.tidy(NOW + 730 * DAY - SECOND)["asked again"] == 0
    asked = NOW + 730 * DAY
    assert subscriptions.tidy(asked)["asked again"] == 1
    assert subscriptions.tidy(asked + DAY)["asked again"] == 0
    assert letters() == ["stay"]
    assert subscriptions.tidy(asked + 30 * DAY - SECOND)["silent"] == 0
    assert subscriptions.tidy(asked + 30 * DAY)["silent"] == 1
    assert traces(ADDRESS) == []


def test_who_answers_is_asked_again_two_years_later():
    subscriber = factories.consenting_subscriber(last_sign_at=NOW)
    subscriptions.tidy(NOW + 730 * DAY)
    subscriptions.stay(subscriber, NOW + 740 * DAY)
    assert subscriptions.tidy(NOW + 800 * DAY)["silent"] == 0
    assert subscriptions.tidy(NOW + 1470 * DAY)["asked again"] == 1


def test_nobody_is_forgotten_who_acts_while_it_happens(monkeypatch):
    """Between the look and the deed somebody confirms."""
    asks()
    real, subscriber = subscriptions.each_of, only()

    def slow(people, act, now):
        class Looked:
            def values_list(self, *names, **options):
                found = list(people.values_list(*names, **options))
                Subscriber.objects.filter(pk=subscriber.pk).update(standing=Standing.ACTIVE)
                return found

            def select_for_update(self):
                return people.select_for_update()

        return real(Looked(), act, now)

    monkeypatch.setattr(subscriptions, "each_of", slow)
    assert subscriptions.tidy(NOW + 7 * DAY)["unconfirmed"] == 0
    assert only().standing == Standing.ACTIVE


def test_the_address_of_a_test_copy_is_not_kept():
    factories.sent_delivery(kind=Delivery.Kind.TEST, subscriber=None, address=ADDRESS, ended_at=NOW)
    subscriptions.tidy(NOW + 7 * DAY)
    assert traces(ADDRESS) == []


def test_tidying_twice_changes_nothing_more():
    asks()
    factories.consenting_subscriber(last_sign_at=NOW - 731 * DAY)
    gone(Standing.LEFT)
    first = subscriptions.tidy(NOW + 7 * DAY)
    assert sorted(first.values()) == [0, 0, 1, 1, 1]
    assert set(subscriptions.tidy(NOW + 7 * DAY).values()) == {0}


def test_silence_is_remembered_even_where_an_erasure_was_faster():
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    subscriptions.erase(subscriber, NOW)
    subscriptions.never_again(subscriber, NOW)
    assert [what for _moment, _digest, what in subscriptions.remembered()][-1] == "never"


def test_a_full_queue_costs_nobody_their_next_try(monkeypatch):
    monkeypatch.setattr(limits, "LETTERS_TO_A_DOMAIN", limits.Limit("domain", 1, limits.HOUR))
    for name in ("invented-first", "invented-late", "invented-late"):
        asks(f"{name}@example.org")
    assert Delivery.objects.count() == 1
    asks("invented-late@example.org", NOW + timedelta(hours=1))
    assert Delivery.objects.count() == 2


def test_an_erasure_reaches_test_copies_in_the_folder(settings):
    subscriber = factories.consenting_subscriber(address=ADDRESS)
    copy = factories.sent_delivery(kind=Delivery.Kind.TEST, subscriber=None, address=ADDRESS, ended_at=NOW)
    path = relay.Folder(settings.MAIL_DIR).path(copy.message_id)
    path.parent.mkdir(parents=True)
    path.write_text(f"To: {ADDRESS}")
    subscriptions.erase(subscriber, NOW)
    assert not path.exists()
