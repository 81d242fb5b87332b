"""Publishing dies, or the disk fills, or two publish at once: visitors keep a whole site, and the next one works."""

import signal
import sqlite3
import subprocess
import sys

import pytest
from django.db import connections
from django.test import Client

from centres.models import Hospital
from sensgene import publication, snapshot
from sensgene.environment import ROOT
from tests.site import Site, sampled_paths

pytestmark = [pytest.mark.server, pytest.mark.database, pytest.mark.django_db(databases=["snapshot"], transaction=True)]

MARK = "Zq7 invented street of a test"

EDIT = f"""
from centres.models import Hospital
hospital = Hospital.objects.get(slug="strasbourg-hopitaux-universitaires")
hospital.street = "{MARK}"
hospital.save()
"""

# Most of the time of a publication is rendering pages, and here the visitor renders them all afterwards.
FEW_PAGES = """
from sensgene import publication
publication.pages_to_check = lambda: ["/fr/", "/de/"]
"""

DIE = f"""{FEW_PAGES}
import os, signal
def die(step):
    print(step, flush=True)
    if step == STEP:
        os.kill(os.getpid(), signal.SIGKILL)
publication.publish(die)
"""


@pytest.fixture
def site_of_its_own(own_site, settings) -> Site:
    """Its snapshots are the ones that this process reads."""
    settings.SNAPSHOT_DIR = own_site.snapshots
    yield own_site
    connections[snapshot.ALIAS].close()


def assert_whole(shows_the_edit: bool) -> str:
    """The current snapshot is sound, and visitors can read every page of it. Returns its identifier."""
    database = sqlite3.connect(snapshot.uri(snapshot.current()), uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        counted = dict(database.execute("SELECT key, value FROM snapshot_information WHERE key LIKE 'rows:%'"))
        for model in publication.public_models():
            (found,) = database.execute(f"SELECT count(*) FROM {model._meta.db_table}").fetchone()
            assert counted[f"rows:{model._meta.label}"] == str(found)
    finally:
        database.close()
    visitor = Client(raise_request_exception=False)
    identifier = snapshot.open_current()
    paths = sampled_paths("de")
    assert len(paths) > 40
    answers = {path: visitor.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 200} == {}
    assert {answer.headers["X-Snapshot"] for answer in answers.values()} == {identifier}
    assert any(MARK in answer.content.decode() for answer in answers.values()) == shows_the_edit
    return identifier


def edit_is_public() -> bool:
    snapshot.open_current()
    return Hospital.public.filter(street=MARK).count() == 1


def leftovers(site: Site) -> set[str]:
    """What is in the folder besides snapshots, the link and the lock."""
    known = {path.name for path in publication.kept()} | {snapshot.LINK, ".lock"}
    return {path.name for path in site.snapshots.iterdir()} - known


AGAIN = f"""{FEW_PAGES}
print("waits:", publication.waits_for_publication())
publication.publish(print)
"""


@pytest.mark.parametrize("step", publication.STEPS)
def test_a_publication_that_is_killed_leaves_the_old_snapshot_or_the_new_one(site_of_its_own, step):
    site = site_of_its_own
    before, kept_before = snapshot.identifier(snapshot.current()), len(publication.kept())
    killed = site.python(f"STEP = {step!r}{EDIT}{DIE}", check=False)
    reached = publication.STEPS.index(step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.splitlines() == list(publication.STEPS[: reached + 1]), killed.stderr

    switched = reached >= publication.STEPS.index("switched to it")
    assert (assert_whole(shows_the_edit=switched) != before) == switched
    named = reached >= publication.STEPS.index("named it")
    assert len(publication.kept()) == kept_before + named, "what is half built is no snapshot to go back to"

    after = site.python(AGAIN).stdout.splitlines()
    assert after[0] == f"waits: {not switched}"
    assert after[1:] == list(publication.STEPS)
    assert leftovers(site) == set()
    assert edit_is_public()


FILL = f"""{FEW_PAGES}
import os, resource
from sensgene import snapshot
size = os.path.getsize(snapshot.current())
publication.fingerprint()  # the working database is open: it is the snapshots' disk that fills
_soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (0, 1, 4096, 65536, size // 2, size - size // 8):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        publication.publish()
    except Exception as error:
        print("failed", limit, flush=True)
    else:
        print("published", limit, flush=True)
"""


def test_a_full_disk_leaves_the_old_snapshot_whole(site_of_its_own):
    site = site_of_its_own
    before = snapshot.current()
    files = {path.name for path in site.snapshots.iterdir()}
    content = before.read_bytes()
    said = site.python(EDIT + FILL).stdout.splitlines()
    assert len(said) == 6
    assert [line for line in said if not line.startswith("failed")] == []
    assert snapshot.current() == before
    assert before.read_bytes() == content
    assert {path.name for path in site.snapshots.iterdir()} == files, "a full disk is not filled further"
    assert_whole(shows_the_edit=False)
    site.manage("publish")
    assert_whole(shows_the_edit=True)


PUBLISH = f"""{FEW_PAGES}
import sys, time
def say(step):
    print(step, time.monotonic(), flush=True)
    if step == "copied" and "wait" in sys.argv:
        sys.stdin.readline()
print("asks", time.monotonic(), flush=True)
publication.publish(say)
"""


def start(site: Site, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", f"import django; django.setup()\n{PUBLISH}", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=site.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def moment(process: subprocess.Popen, step: str) -> float:
    """When the process reached the step; waits for it. The clock is the machine's, the same for all processes."""
    for line in process.stdout:
        said, _space, when = line.strip().rpartition(" ")
        if said == step:
            return float(when)
    raise AssertionError(f"ended before: {step}")


def test_two_publications_at_once_follow_one_another(site_of_its_own):
    site = site_of_its_own
    site.python(EDIT)
    before = publication.kept()
    with start(site, "wait") as first:
        moment(first, "copied")
        with start(site) as second:
            moment(second, "asks")
            first.stdin.write("go on\n")
            first.stdin.flush()
            ended = moment(first, publication.STEPS[-1])
            began = moment(second, publication.STEPS[0])
            moment(second, publication.STEPS[-1])
    assert first.returncode == second.returncode == 0
    assert began >= ended
    made = [path for path in publication.kept() if path not in before]
    assert len(made) == 2
    assert snapshot.current() == made[-1]
    assert leftovers(site) == set()
    assert_whole(shows_the_edit=True)


def test_the_next_publication_removes_what_dead_ones_left(site_of_its_own):
    site = site_of_its_own
    for step in ("copied", "made it durable"):
        site.python(f"STEP = {step!r}{DIE}", check=False)
    (site.snapshots / ".link-99999").symlink_to("nowhere.sqlite3")
    assert len(leftovers(site)) == 3, "a process that is killed cannot tidy up"
    site.manage("publish")
    assert leftovers(site) == set()
    assert_whole(shows_the_edit=False)
