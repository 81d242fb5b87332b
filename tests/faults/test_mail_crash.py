"""The mail worker dies at every step and at random: each letter arrives once. `make faults` does it at full size.

Each proof is shown to fail on an engine that is broken on purpose.
"""

import json
import subprocess
import sys

import pytest

from sensgene.environment import ROOT
from tests.site import Site, create_database, postgresql_url

pytestmark = pytest.mark.server


@pytest.fixture
def bare_site(tmp_path, worker_id) -> Site:
    """A database with its tables and nothing in them."""
    (tmp_path / "build").mkdir()
    name = f"storm_{worker_id}"
    site = Site(tmp_path, create_database(name) if postgresql_url() else f"sqlite:///{tmp_path / 'sensgene.sqlite3'}")
    site.manage("migrate", "-v0")
    return site


def storm(site: Site, *options: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.mail_storm", *options],
        cwd=ROOT,
        env=site.environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )
    result = json.loads(done.stdout or "{}")
    assert result, done.stderr
    assert result["finished"], done.stdout
    assert (done.returncode == 0) == (result["lost"] == result["duplicates"] == 0)
    return result


def assert_each_arrived_once(result: dict, recipients: int) -> None:
    assert result["recipients"] == recipients
    assert result["lost"] == 0
    assert result["duplicates"] == 0
    assert result["said sent, never accepted"] == 0
    assert result["accepted, not said"] == 0
    assert result["two recipients"] == 0
    assert result["to somebody else"] == 0
    assert result["states"] == {"sent": recipients - 1, "failed": 1}, "one address does not exist"


@pytest.mark.database
def test_each_letter_arrives_once_however_often_the_worker_is_killed(bare_site):
    """F30 and F33: kills at random and at each step, refusals, and connections that break after the letter."""
    result = storm(bare_site, "--recipients", "600", "--kills", "6", "--labelled", "2")
    assert_each_arrived_once(result, 600)
    killed = result["killed"]
    assert sum(killed.values()) >= 12
    assert {"claimed", "recipient accepted", "intent committed", "accepted by the server"} <= set(killed)
    assert result["cleared up after a crash"] > 0
    assert result["retried"] > 0


@pytest.mark.database
@pytest.mark.parametrize("step", ["claimed", "intent committed"])
def test_a_worker_that_slept_through_its_lease_sends_nothing_twice(bare_site, step):
    """F37: stopped and continued by signals, while another worker does its work."""
    assert_each_arrived_once(storm(bare_site, "--recipients", "60", "--asleep", step), 60)


@pytest.mark.parametrize(
    ("mutant", "harm", "options"),
    [
        ("sent-first", "lost", ["--labelled", "1"]),
        ("resend", "duplicates", ["--labelled", "1"]),
        ("guess", "duplicates", ["--labelled", "1"]),
        ("no-fence", "duplicates", ["--asleep", "claimed"]),
    ],
)
def test_the_storm_finds_what_a_broken_engine_does(bare_site, mutant, harm, options):
    result = storm(bare_site, "--recipients", "240", "--kills", "0", *options, "--mutant", mutant)
    assert result[harm] > 0
