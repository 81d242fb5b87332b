"""How a model's columns come to exist in French, English and German. Each app lists its own in translation.py."""

from modeltranslation.translator import TranslationOptions, translator

from sensgene import history
from sensgene.records import Sourced


def translate(model: type[Sourced], *fields: str, required: tuple[str, ...] = (), links: tuple[str, ...] = ()) -> None:
    """Registers the fields, and the remark on the source that every record has; from here on its versions are kept.

    French is the language that `required` fields must have; the others may follow and fall back visibly until then.
    `links` names the fields that point at many rows, which belong to a version too.
    """
    options = {"fields": ("source_remark", *fields), "required_languages": {"default": (), "fr": required}}
    translator.register(model, type(f"{model.__name__}Translation", (TranslationOptions,), options))
    history.keep(model, links)
