"""What the supervisor and the balancer ask. Neither page is for people."""

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from sensgene import snapshot

log = logging.getLogger("sensgene.health")
HEADERS = {"Cache-Control": "no-store"}


def live(request: HttpRequest) -> HttpResponse:
    """The process answers. Failing means: restart it."""
    return HttpResponse("alive\n", content_type="text/plain", headers=HEADERS)


def ready(request: HttpRequest) -> HttpResponse:
    """The working database and the snapshot answer. Failing means: staff cannot edit, tell somebody.

    It does not mean: take the host out. Public pages need the snapshot only.
    """
    states = {"snapshot": _state(snapshot.open_current), "working database": _state(_ask_database)}
    status = 200 if set(states.values()) == {"answers"} else 503
    text = "".join(f"{name}: {state}\n" for name, state in states.items())
    return HttpResponse(text, status=status, content_type="text/plain", headers=HEADERS)


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_migrations")


def _state(ask) -> str:
    try:
        ask()
    except DatabaseError as error:
        log.warning("not ready: %s", error)
        return "does not answer"
    return "answers"
