"""Which columns of the texts exist in French, English and German."""

from modeltranslation.translator import TranslationOptions, register

from missions import models
from sensgene.translatable import translate


@register(models.Picture)
class PictureTranslation(TranslationOptions):
    """Whoever does not see a picture hears its text: in every language, before it can be saved."""

    fields = ("alt",)
    required_languages = ("fr", "en", "de")


translate(models.Page, "title", "summary", required=("title",))
translate(models.PageSection, "heading", "body", required=("body",))
translate(models.Mission, "title", "text", required=("title",))
translate(models.Milestone, "text", required=("text",))
translate(models.Figure, "label", required=("label",))
translate(models.HealthChannel, "name", "scope", required=("name",))
translate(models.Association, "scope", "tie")
translate(models.Partner, "name", "description", required=("name",))
translate(models.LegalText, "title", "purpose", required=("title",))
translate(models.HelpLine, "name", "offers", "hours", required=("name",))
translate(models.GlossaryTerm, "term", "definition", required=("term", "definition"))
translate(models.AccessibilityAudit)
