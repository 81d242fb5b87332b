"""Which columns of the centres exist in French, English and German."""

from modeltranslation.translator import TranslationOptions, register

from centres import models
from sensgene import history
from sensgene.translatable import translate

translate(models.Hospital)
translate(models.Coordinator)
translate(models.Network, "short_name", "name", "remit", "label_remark", required=("name",))
translate(models.Centre, "name", "department", "referral", "access", "website_remark", required=("name",))
translate(models.TeamMember, "role")
translate(models.Contact, "answers")
translate(models.TreatedCondition, "name", required=("name",), links=("diseases",))

# The proxies have the same columns; modeltranslation wants to be told, and so does the history.
for proxy in (models.ReferenceCentre, models.CompetenceCentre):
    translate(proxy)


@register(models.Disease)
class DiseaseTranslation(TranslationOptions):
    """No language is required: of the newest entries Orphanet has only the English name."""

    fields = ("name", "synonyms")
    required_languages = ()


history.keep(models.Disease)
