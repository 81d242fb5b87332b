"""Translations that may be older than the French: marked when French changes, until somebody confirms them.

The mark is on the row itself (`Sourced.to_check`: language → text → day), so that the snapshot carries it to the page.
"""

from datetime import date

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.signals import pre_save
from modeltranslation.translator import NotRegistered, translator

from sensgene.records import Sourced

OTHERS = tuple(code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE)


def translated_fields(model: type[Sourced]) -> list[str]:
    """The names of its texts that exist in every language."""
    try:
        return sorted(translator.get_options_for_model(model).all_fields)
    except NotRegistered:
        return []


def value(row: Sourced, field: str, language: str) -> str:
    return getattr(row, f"{field}_{language}") or ""


def marks_after(before: Sourced, after: Sourced, today: date) -> dict[str, dict[str, str]]:
    """Which texts are to be checked once `before` has become `after`.

    A translation is marked when its French changed and it did not; the mark goes when it changes too, or is emptied.
    """
    marks = {language: dict(texts) for language, texts in after.to_check.items()}
    for field in translated_fields(type(after)):
        french_changed = value(before, field, "fr") != value(after, field, "fr")
        for language in OTHERS:
            text = value(after, field, language)
            own = marks.setdefault(language, {})
            if not text or text != value(before, field, language):
                own.pop(field, None)
            elif french_changed:
                own.setdefault(field, today.isoformat())
    return {language: texts for language, texts in marks.items() if texts}


def note_changes(sender, instance, raw=False, update_fields=None, using=None, **kwargs) -> None:
    """Before a row is saved: compares it with what is stored."""
    is_ours = isinstance(instance, Sourced) and using == "default" and not raw
    if not is_ours or not instance.pk or not translated_fields(sender):
        return
    rows = QuerySet(sender._meta.concrete_model, using="default").filter(pk=instance.pk)
    before = rows.first()
    if before is None:
        return
    instance.to_check = marks_after(before, instance, date.today())
    if update_fields is not None and "to_check" not in update_fields:
        rows.update(to_check=instance.to_check)


def confirm(row: Sourced, language: str, fields: list[str] | None = None) -> None:
    """Somebody read the translation beside the French and says that it still holds."""
    left = {
        name: day for name, day in row.to_check.get(language, {}).items() if fields is not None and name not in fields
    }
    row.to_check = {code: texts for code, texts in {**row.to_check, language: left}.items() if texts}
    row.save(update_fields=["to_check", "updated_at"])


pre_save.connect(note_changes)
