"""What keeps the directory true: who edits which centre, what visitors report, what centres answer, what is imported."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Editorship(models.Model):
    """Who may edit which centre, without any right to another one."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("editor"), on_delete=models.CASCADE, related_name="editorships"
    )
    centre = models.ForeignKey(
        "centres.Centre", verbose_name=_("centre"), on_delete=models.CASCADE, related_name="editorships"
    )

    class Meta:
        verbose_name = _("editor of a centre")
        verbose_name_plural = _("editors of centres")
        ordering = ["centre", "user"]
        constraints = [
            models.UniqueConstraint(
                name="editorship_listed_once",
                fields=["user", "centre"],
                violation_error_message=_("This person edits this centre already."),
            )
        ]

    def __str__(self):
        return f"{self.user} – {self.centre}"


class ErrorReport(models.Model):
    """What a visitor says is wrong on a centre's page. What identifies somebody is emptied some weeks after the end."""

    class State(models.TextChoices):
        NEW = "new", _("to be answered")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", _("closed without an answer")

    centre = models.ForeignKey(
        "centres.Centre", verbose_name=_("centre"), on_delete=models.PROTECT, related_name="reports"
    )
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    page = models.CharField(_("page"), max_length=200)
    text = models.TextField(_("what is wrong"), max_length=2000, blank=True)
    address = models.CharField(_("address for an answer"), max_length=254, blank=True)
    typed_at = models.DateTimeField(_("received on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW, db_index=True)
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    ended_at = models.DateTimeField(_("answered or closed on"), null=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("reported error")
        verbose_name_plural = _("reported errors")
        ordering = ["-typed_at", "-pk"]

    def __str__(self):
        return f"{self.centre} {self.typed_at:%Y-%m-%d}"


class CheckRequest(models.Model):
    """Staff asked a centre to check its record: a mailed link, kept as its digest, and what came of it."""

    centre = models.ForeignKey(
        "centres.Centre", verbose_name=_("centre"), on_delete=models.PROTECT, related_name="checks"
    )
    address = models.CharField(_("address"), max_length=254)  # emptied some weeks after the end
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    digest = models.CharField(max_length=64, blank=True, db_index=True, editable=False)  # empty until it is mailed
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    asked_at = models.DateTimeField(_("asked on"))
    expires_at = models.DateTimeField(_("link works until"))
    answered_at = models.DateTimeField(_("answered on"), null=True, editable=False)
    all_is_right = models.BooleanField(_("all is right"), null=True, editable=False)
    remark = models.TextField(_("remark of the centre"), max_length=2000, blank=True)
    settled_at = models.DateTimeField(_("settled on"), null=True, editable=False)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("question to a centre")
        verbose_name_plural = _("questions to centres")
        ordering = ["-asked_at", "-pk"]

    def __str__(self):
        return f"{self.centre} {self.asked_at:%Y-%m-%d}"


class ProposedChange(models.Model):
    """One field as a centre corrected it, waiting until staff accept or refuse it."""

    class Decision(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")

    check_request = models.ForeignKey(CheckRequest, on_delete=models.CASCADE, related_name="changes")
    model = models.CharField(max_length=50)  # centres.Contact
    row = models.BigIntegerField(null=True)  # empty: a row that does not exist yet
    field = models.CharField(max_length=50)
    label = models.CharField(_("what"), max_length=300)
    old = models.TextField(_("before"), blank=True)
    new = models.TextField(_("after"), blank=True)
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, default=Decision.WAITING)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    decided_at = models.DateTimeField(_("decided on"), null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("proposed change")
        verbose_name_plural = _("proposed changes")
        ordering = ["pk"]

    def __str__(self):
        return self.label


class CentreImport(models.Model):
    """A table of centres that somebody uploaded: nothing of it is written before they confirmed what it would do."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be confirmed")
        APPLIED = "applied", _("written")
        UNDONE = "undone", _("undone")
        DROPPED = "dropped", _("thrown away")

    name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(editable=False)
    removes_missing = models.BooleanField(
        _("archive the centres that are missing in the file"),
        default=False,
        help_text=_("Only if the file is the whole list."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING, editable=False)
    uploaded_at = models.DateTimeField(_("uploaded on"), auto_now_add=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("uploaded by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    ended_at = models.DateTimeField(_("confirmed or thrown away on"), null=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    change = models.CharField(max_length=32, blank=True, editable=False)  # which change of the history it became
    summary = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("import of centres")
        verbose_name_plural = _("imports of centres")
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self):
        return self.name
