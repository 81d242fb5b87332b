"""Tags for the first page of the admin: what staff should know of, and the pages that belong to no table."""

from django import template
from django.utils.translation import gettext

from newsletter import clock, trouble
from newsletter.models import Trouble

register = template.Library()

RIGHTS = ("view_issue", "change_issue", "release_issue")


def concerns(context: dict) -> bool:
    user = context["request"].user
    return any(user.has_perm(f"newsletter.{right}") for right in RIGHTS)


@register.inclusion_tag("admin/newsletter/troubles.html", takes_context=True)
def newsletter_troubles(context):
    """What goes wrong with the mail, in words; nothing for those who have nothing to do with it."""
    if not concerns(context):
        return {}
    return {
        "troubles": [{"text": gettext(each.text), "trouble": each} for each in Trouble.objects.all()],
        "worker_is_missing": trouble.worker_is_missing(clock.now()),
    }


@register.inclusion_tag("admin/newsletter/tools.html", takes_context=True)
def newsletter_tools(context):
    return {"is_shown": concerns(context) and context.get("app_label") in (None, "newsletter")}
