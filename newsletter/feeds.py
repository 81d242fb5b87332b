"""The archive for feed readers: one Atom feed a language (RFC 4287), from the snapshot."""

import re
from datetime import datetime

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import messages
from newsletter.models import Issue
from sensgene import snapshot

LAST = 20
NO_XML = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # XML 1.0, section 2.2


class WholeIssues(Atom1Feed):
    """An entry holds the text itself, not a summary of it. A feed without entries is as old as the snapshot."""

    def latest_post_date(self):
        if self.items:
            return super().latest_post_date()
        return datetime.fromisoformat(snapshot.information(snapshot.current())["made_at"])

    def add_item_elements(self, handler, item):
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["text"], {"type": "html"})


@require_safe
def issues(request):
    """The last issues, whole. An issue that lacks this language is not in its feed."""
    language = translation.get_language()
    own = settings.SITE_ORIGIN + reverse("newsletter-feed")
    feed = WholeIssues(
        title=_("SENSGENE newsletter"),
        link=settings.SITE_ORIGIN + reverse("newsletter"),
        description=None,
        language=language,
        feed_url=own,
        feed_guid=own,
        author_name="SENSGENE",
    )
    name = f"subject_{language}"
    written = Issue.public.exclude(**{name: ""}).exclude(**{name: None})
    for issue in written.prefetch_related("sections__centre", "sections__channel")[:LAST]:
        letter = messages.letter_of_issue(issue, language)
        address = settings.SITE_ORIGIN + issue.get_absolute_url()
        feed.add_item(
            title=NO_XML.sub("", letter.subject),
            link=address,
            unique_id=address,
            description=NO_XML.sub("", letter.preheader) or None,
            text=NO_XML.sub("", messages.html_of_sections(letter)),
            pubdate=issue.released_at,
            updateddate=max(issue.updated_at, issue.released_at or issue.updated_at),
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
