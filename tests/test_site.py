"""Every public page in every language: what must hold on all of them."""

import pytest

LANGUAGES = ("fr", "en", "de")


def all_paths(language):
    from sensgene import sitemaps

    return sitemaps.all_paths(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers_in_its_language(visitor, language):
    from sensgene import snapshot

    snapshot.open_current()
    paths = all_paths(language)
    assert len(paths) > 40
    for path in paths:
        response = visitor.get(path)
        assert response.status_code == 200, path
        assert f'<html lang="{language}"' in response.content.decode(), path
