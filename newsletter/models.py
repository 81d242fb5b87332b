"""Who asked for the newsletter, what is written in it, and each copy on its way. No subscriber ever leaves for the snapshot."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sensgene.records import PublicManager, Record, RecordQuerySet, Sourced, State

LANGUAGES = [("fr", "Français"), ("en", "English"), ("de", "Deutsch")]


def language_field() -> models.CharField:
    return models.CharField(_("language"), max_length=2, choices=LANGUAGES)


# --- Who asked for it ---------------------------------------------------------------------------------------------


class Enquiry(models.Model):
    """What a visitor typed into a public form, until the worker reads it.

    Web processes do no more than this, so that their answer takes the same time whatever we know of the address.
    """

    class Kind(models.TextChoices):
        SUBSCRIBE = "subscribe", _("sign-up")
        MANAGE = "manage", _("link to one’s own page")

    kind = models.CharField(max_length=10, choices=Kind)
    address = models.CharField(max_length=254)
    language = language_field()
    wording = models.CharField(max_length=20, blank=True)
    page = models.CharField(max_length=100, blank=True)
    typed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("enquiry")
        verbose_name_plural = _("enquiries")
        ordering = ["pk"]

    def __str__(self):
        return f"{self.get_kind_display()} {self.typed_at:%Y-%m-%d %H:%M}"


class Standing(models.TextChoices):
    """How somebody stands to the newsletter."""

    PENDING = "pending", _("has not confirmed yet")
    ACTIVE = "active", _("subscribed")
    LEFT = "left", _("has left")
    BOUNCED = "bounced", _("address refuses mail")
    COMPLAINED = "complained", _("has complained")


class SubscriberQuerySet(models.QuerySet):
    def active(self):
        return self.filter(standing=Standing.ACTIVE)


class Subscriber(models.Model):
    """An address and a language, nothing else. The address is emptied some days after somebody left."""

    address = models.CharField(_("address"), max_length=254, blank=True)
    digest = models.CharField(max_length=64, db_index=True, editable=False)  # outlives the address
    language = language_field()
    standing = models.CharField(_("standing"), max_length=10, choices=Standing, default=Standing.PENDING, db_index=True)
    standing_since = models.DateTimeField(_("since"))
    last_sign_at = models.DateTimeField(
        _("last sign"), help_text=_("When this person last did something: signed up, confirmed, changed a choice.")
    )
    asked_again_at = models.DateTimeField(_("asked whether to stay on"), null=True, blank=True)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        ordering = ["-standing_since", "-pk"]
        permissions = [("export_subscriber", _("Can export the addresses of subscribers"))]
        constraints = [
            models.UniqueConstraint(
                name="subscriber_has_one_row_for_each_address",
                fields=["address"],
                condition=~Q(address=""),
                violation_error_message=_("This address is known already."),
            )
        ]

    def __str__(self):
        """Without the address: what staff did is logged by these words, and the log outlives an erasure."""
        return f"{self._meta.verbose_name} {self.pk}"


class Consent(models.Model):
    """The ledger: who agreed to which words, where, when; and when it was confirmed or withdrawn."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consents")
    wording = models.CharField(_("version of the wording"), max_length=20)
    language = language_field()
    page = models.CharField(_("page"), max_length=100)
    requested_at = models.DateTimeField(_("requested on"))
    confirmed_at = models.DateTimeField(_("confirmed on"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn on"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["requested_at", "pk"]

    def __str__(self):
        return f"{self.wording} {self.requested_at:%Y-%m-%d}"


class Purpose(models.TextChoices):
    """What a mailed link is for. A link does what it is for, and nothing else."""

    CONFIRM = "confirm", _("confirm a subscription")
    LEAVE = "leave", _("leave")
    RETURN = "return", _("come back")
    MANAGE = "manage", _("see and change one’s own data")
    STAY = "stay", _("stay on the list")
    NEVER = "never", _("never be written to again")


class Token(models.Model):
    """A mailed link. Only the SHA-256 of its secret is kept, so that this table opens nothing."""

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="tokens")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mailed link")
        verbose_name_plural = _("mailed links")
        ordering = ["pk"]

    def __str__(self):
        return f"{self.get_purpose_display()} {self.made_at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address never written to again: only its keyed digest is kept."""

    class Reason(models.TextChoices):
        ASKED = "asked", _("asked for it")
        COMPLAINT = "complaint", _("complained")

    digest = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=10, choices=Reason)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering = ["pk"]

    def __str__(self):
        return f"{self.get_reason_display()} {self.since:%Y-%m-%d}"


class Allowance(models.Model):
    """How often something happened in the current window of time. Changed by single statements only (see limits.py)."""

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    since = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [models.UniqueConstraint(name="allowance_has_one_row_for_each_key", fields=["scope", "key"])]

    def __str__(self):
        return f"{self.scope} {self.count}"


# --- What is written ----------------------------------------------------------------------------------------------


class Mailing(models.TextChoices):
    """How far the sending of an issue is. The state of its page on the site is another matter (Record.state)."""

    WRITING = "writing", _("being written")
    RELEASED = "released", _("released: starts in a few minutes")
    SENDING = "sending", _("being sent")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")
    SENT = "sent", _("sent")


class IssueQuerySet(RecordQuerySet):
    def under_way(self):
        return self.filter(mailing__in=(Mailing.RELEASED, Mailing.SENDING, Mailing.PAUSED))


class Issue(Record):
    """One issue of the newsletter. It is public from the moment the first copy leaves."""

    DELAY = timedelta(minutes=10)  # between release and the first copy: time to press “stop”

    subject = models.CharField(_("subject"), max_length=120, help_text=_("One line: what this issue is about."))
    preheader = models.CharField(
        _("first line"),
        max_length=200,
        blank=True,
        help_text=_("Shown under the subject in the inbox and on top of the issue."),
    )
    mailing = models.CharField(
        _("sending"), max_length=10, choices=Mailing, default=Mailing.WRITING, db_index=True, editable=False
    )
    last_edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    released_at = models.DateTimeField(_("released on"), null=True, editable=False)
    starts_at = models.DateTimeField(_("starts on"), null=True, editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished on"), null=True, editable=False)
    paused_by_us = models.BooleanField(default=False, editable=False)  # the server refused; a probe may resume it
    pause_reason = models.CharField(_("why it is paused"), max_length=300, blank=True, editable=False)
    content_digest = models.CharField(max_length=64, blank=True, editable=False)

    objects = models.Manager.from_queryset(IssueQuerySet)()
    public = PublicManager.from_queryset(IssueQuerySet)()

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ["-released_at", "-pk"]
        permissions = [("release_issue", _("Can release an issue to its subscribers"))]

    def __str__(self):
        return self.subject

    def get_absolute_url(self):
        return reverse("issue", args=[self.slug])

    def clean(self):
        """The page of an issue appears when its first copy leaves, never before. Raises ValidationError on `state`."""
        if self.state == State.PUBLISHED and self.mailing in (Mailing.WRITING, Mailing.RELEASED):
            raise ValidationError({"state": _("An issue becomes public when its first copy leaves: release it.")})

    @property
    def is_open(self) -> bool:
        """Whether its text can still be changed: what was released is frozen."""
        return self.mailing == Mailing.WRITING


class IssueSection(Sourced):
    """A heading, paragraphs with links, and at most one centre and one channel to point at."""

    issue = models.ForeignKey(Issue, verbose_name=_("issue"), on_delete=models.CASCADE, related_name="sections")
    heading = models.CharField(_("heading"), max_length=120)
    body = models.TextField(
        _("text"),
        help_text=_(
            "An empty line begins a paragraph, “- ” a list item. [words](https://…) or [words](page:glossary) is a link, "
            "[fr: mots] marks words of another language."
        ),
    )
    centre = models.ForeignKey(
        "centres.Centre",
        verbose_name=_("centre to point at"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    channel = models.ForeignKey(
        "missions.HealthChannel",
        verbose_name=_("channel to point at"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["order", "pk"]

    def __str__(self):
        return self.heading


class Edition(models.Model):
    """An issue in one language as it was released: nothing that staff edit later changes a copy under way."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="editions")
    language = language_field()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        constraints = [
            models.UniqueConstraint(name="edition_exists_once_for_each_language", fields=["issue", "language"])
        ]

    def __str__(self):
        return f"{self.issue_id} {self.language}"


# --- Each copy on its way -----------------------------------------------------------------------------------------


class Transit(models.TextChoices):
    """Where a letter is. `sending.py` says who may move it from which state to which."""

    PENDING = "pending", _("waiting")
    CLAIMED = "claimed", _("taken by a worker")
    DISPATCHING = "dispatching", _("being handed over")
    SENT = "sent", _("handed to the mail server")
    FAILED = "failed", _("refused")
    UNSURE = "unsure", _("unsure whether it left")
    QUARANTINED = "quarantined", _("set aside after three crashes")
    CANCELLED = "cancelled", _("cancelled")


class DeliveryQuerySet(models.QuerySet):
    def put_back(self) -> int:
        """They wait again, for whoever claims them next; returns how many."""
        return self.update(state=Transit.PENDING, lease="", lease_until=None)

    def cancel(self, now: datetime) -> int:
        """They will not leave; returns how many."""
        return self.update(state=Transit.CANCELLED, lease="", lease_until=None, ended_at=now)


class Delivery(models.Model):
    """One letter to one person: a copy of an issue, or a letter that somebody's own act asked for."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("please confirm")
        ALREADY = "already", _("you are subscribed already")
        MANAGE = "manage", _("link to one’s own page")
        GOODBYE = "goodbye", _("you have left")
        STAY = "stay", _("do you want to stay?")
        TEST = "test", _("test copy")
        ISSUE = "issue", _("copy of an issue")

    BEFORE_ISSUES, BULK = 0, 5

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    priority = models.PositiveSmallIntegerField(default=BEFORE_ISSUES)
    issue = models.ForeignKey(
        Issue, verbose_name=_("issue"), on_delete=models.PROTECT, null=True, related_name="deliveries"
    )
    subscriber = models.ForeignKey(Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    address = models.CharField(_("address"), max_length=254, blank=True)  # emptied by an erasure
    language = language_field()
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(_("state"), max_length=12, choices=Transit, default=Transit.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    crashes = models.PositiveSmallIntegerField(_("crashes"), default=0)
    lease = models.CharField(max_length=80, blank=True)  # the worker that holds it
    lease_until = models.DateTimeField(null=True)
    next_try = models.DateTimeField(_("next attempt"))
    last_code = models.CharField(_("code of the server"), max_length=12, blank=True)
    last_reply = models.CharField(_("reply of the server"), max_length=300, blank=True)
    written_at = models.DateTimeField(_("written on"))
    dispatched_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(_("ended on"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("outbox")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="delivery_brings_each_issue_once_to_each_subscriber",
                fields=["issue", "subscriber"],
                condition=Q(kind="issue"),
            )
        ]
        indexes = [
            models.Index(name="delivery_next", fields=["state", "priority", "next_try"]),
            models.Index(name="delivery_progress", fields=["issue", "state", "ended_at"]),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.pk}"


class Bounce(models.Model):
    """A report that came back: refused for good, refused for now, or marked as unwanted."""

    class Kind(models.TextChoices):
        HARD = "hard", _("refused for good")
        SOFT = "soft", _("refused for now")
        COMPLAINT = "complaint", _("marked as unwanted")

    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, related_name="bounces")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="bounces")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    status = models.CharField(_("status"), max_length=12, blank=True)
    diagnostic = models.CharField(_("what the server said"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received on"))
    fingerprint = models.CharField(max_length=64, unique=True)  # a report read twice counts once

    class Meta:
        verbose_name = _("bounce")
        verbose_name_plural = _("bounces")
        ordering = ["-received_at", "-pk"]

    def __str__(self):
        return f"{self.get_kind_display()} {self.status}"


class Trouble(models.Model):
    """Something that staff should know of and that no visitor sees; it goes away when it is over."""

    key = models.CharField(max_length=40, unique=True)
    text = models.CharField(max_length=300)
    since = models.DateTimeField()
    last_seen = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("trouble")
        verbose_name_plural = _("troubles")
        ordering = ["-last_seen"]

    def __str__(self):
        return self.text
