"""How a model's columns come to exist in French, English and German. Each app lists its own in translation.py."""

from modeltranslation.translator import TranslationOptions, translator

from sensgene.records import Sourced


def translate(model: type[Sourced], *fields: str, required: tuple[str, ...] = ()) -> None:
    """Registers the fields, and the remark on the source that every record has.

    French is the language that `required` fields must have; the others may follow and fall back visibly until then.
    """
    options = {"fields": ("source_remark", *fields), "required_languages": {"default": (), "fr": required}}
    translator.register(model, type(f"{model.__name__}Translation", (TranslationOptions,), options))
