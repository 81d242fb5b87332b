"""The archive for feed readers: one Atom feed a language (RFC 4287), from the snapshot."""

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import messages
from newsletter.models import Issue

LAST = 20


@require_safe
def issues(request):
    """The last issues, whole. An issue that lacks this language is not in its feed."""
    language = translation.get_language()
    own = settings.SITE_ORIGIN + reverse("newsletter-feed")
    feed = Atom1Feed(
        title=_("SENSGENE newsletter"),
        link=settings.SITE_ORIGIN + reverse("newsletter"),
        description="",
        language=language,
        feed_url=own,
        feed_guid=own,
        author_name="SENSGENE",
    )
    for issue in Issue.public.prefetch_related("sections__centre", "sections__channel")[:LAST]:
        if not getattr(issue, f"subject_{language}"):
            continue
        letter = messages.letter_of_issue(issue, language)
        address = settings.SITE_ORIGIN + issue.get_absolute_url()
        feed.add_item(
            title=letter.subject,
            link=address,
            unique_id=address,
            description=messages.html_of_sections(letter),
            pubdate=issue.released_at,
            updateddate=issue.updated_at,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
