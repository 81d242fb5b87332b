"""Which columns of the newsletter exist in French, English and German."""

from newsletter import models
from sensgene.translatable import translate

translate(models.Issue, "subject", "preheader", required=("subject",))
translate(models.IssueSection, "heading", "body", required=("heading", "body"))
