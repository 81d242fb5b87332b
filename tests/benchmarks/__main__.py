"""How the search grows: suggestions and pages a second at 1, 10 and 100 times the data, by the real server.

python -m tests.benchmarks            everything, some twenty minutes
python -m tests.benchmarks --quick    1 and 10 times the data, fewer requests

Nothing passes or fails here. Absolute numbers are those of one machine at one hour; what counts are the ratios within a
run: to the floor (the cheapest answer of the same server), and of one size to another.
"""

import argparse
import hashlib
import http.client
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sensgene.environment import ROOT
from tests.benchmarks import report
from tests.site import Site, free_port

SEED = 20261122
CONNECTIONS, WORKERS = 4, 2
SECONDS_A_ROUND = 20  # what takes longer is cut short, and the report says how many requests there were
ROUNDS, REPEATS = 3, 5
REQUESTS = {
    "floor: /health/live": 600,
    "suggestions": 1500,
    "results, words": 300,
    "results, words and town": 300,
    "a disease": 150,
}


def say(message: str) -> None:
    print(f"· {message}", file=sys.stderr, flush=True)


def step(module: str, order: dict, environment: dict[str, str], seconds: float) -> dict:
    """One module of the benchmark in a process of its own: it gets an order as JSON and answers with JSON."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}"],
        cwd=ROOT,
        env=environment,
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds,
    )
    if done.returncode:
        sys.exit(f"{module} failed")
    return json.loads(done.stdout)


# --- The sizes ----------------------------------------------------------------------------------------------------


def publish(site: Site) -> dict[str, float]:
    """The real content by the commands of an operator; seconds of the first snapshot and of the next."""
    started = time.monotonic()
    said = site.manage("prepare").stdout
    prepared = time.monotonic() - started
    first = re.search(r"Published .* in ([\d.]+) s", said)
    started = time.monotonic()
    site.manage("publish")
    return {
        "prepare, from nothing": prepared,
        "the first snapshot in it": float(first[1]) if first else 0.0,
        "publish after an edit": time.monotonic() - started,  # diseases and towns are taken over
    }


def environment(site: Site, snapshots: Path) -> dict[str, str]:
    """Local, whatever the shell is set to: nothing but what is measured here may differ between two runs."""
    return site.environment(SNAPSHOT_DIR=str(snapshots), SITE_ORIGIN="http://localhost:8000", WEB_WORKERS=str(WORKERS))


def make(site: Site, factor: int) -> tuple[dict, Path]:
    """A folder of snapshots with one of this size in it."""
    real = (site.snapshots / "current.sqlite3").resolve()
    folder = site.folder / f"snapshots-{factor}x"
    folder.mkdir()
    target = real if factor == 1 else folder / f"erfunden-{factor}x.sqlite3"
    order = {"source": str(real), "target": str(target), "factor": factor, "seed": SEED}
    made = step("growth", order, environment(site, folder), 900)
    (folder / "current.sqlite3").symlink_to(target)
    return made, folder


# --- The server ---------------------------------------------------------------------------------------------------


def first_answer(port: int, process: subprocess.Popen, seconds: float = 180) -> None:
    """Waits for one answer. The socket listens before a worker is ready, so the request waits in the queue for it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=max(1, deadline - time.monotonic()))
        try:
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    sys.exit("the server did not start; what it said stands above")


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[int, int, float]]:
    """Runs gunicorn as production does, without edge; yields port, process and seconds until the first answer."""
    port = free_port()
    settings = str(ROOT / "deploy" / "gunicorn.conf.py")
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", settings, "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env=environment,
        stdout=sys.stderr,
    )
    try:
        first_answer(port, process)
        yield port, process.pid, time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def workers(server: int) -> list[int]:
    """The processes of gunicorn's workers; empty where there is no /proc."""
    try:
        return [int(each) for each in Path(f"/proc/{server}/task/{server}/children").read_text().split()]
    except OSError:
        return []


def megabytes(process: int) -> float | None:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else None


def cpu_seconds(processes: list[int]) -> float | None:
    """What these processes have used so far; None if that cannot be known, or one has ended."""
    if not processes:
        return None
    ticks = 0
    for each in processes:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        ticks += int(fields[11]) + int(fields[12])  # in its own code, and in the kernel for it
    return ticks / os.sysconf("SC_CLK_TCK")


def drive(port: int, server: int, addresses: list[str], requests: int) -> dict:
    """One round from another process, and what it cost the workers."""
    order = {"port": port, "addresses": addresses, "requests": requests}
    order |= {"connections": CONNECTIONS, "seconds": SECONDS_A_ROUND}
    asked = workers(server)
    before = cpu_seconds(asked)
    found = step("client", order, dict(os.environ), SECONDS_A_ROUND + 120)
    after = cpu_seconds(asked)
    found["cpu_seconds"] = None if before is None or after is None else after - before
    return found


@dataclass
class Size:
    """One size of the data while it is measured."""

    made: dict
    environment: dict[str, str]
    inside: dict = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0
    server: int = 0
    starting: float = 0.0
    first_workers: list[int] = field(default_factory=list)
    rounds: dict[str, list[dict]] = field(default_factory=lambda: {name: [] for name in REQUESTS})


def measure(site: Site, factors: tuple[int, ...], rounds: int, repeats: int, requests: dict[str, int]) -> dict:
    """All servers run at once and are asked in turn, so that a busy minute of the machine touches every size."""
    sizes: dict[int, Size] = {}
    for factor in factors:
        say(f"{factor}x: making the data")
        made, folder = make(site, factor)
        size = sizes[factor] = Size(made, environment(site, folder))
        say(f"{factor}x: one question after the other, inside one process")
        size.inside = step("inside", {"repeats": repeats}, size.environment, 1800)
        size.addresses = size.inside.pop("addresses")
    with ExitStack() as running:
        for factor, size in sizes.items():
            say(f"{factor}x: starting the server")
            size.port, size.server, size.starting = running.enter_context(served(size.environment))
            size.first_workers = workers(size.server)
            for addresses in size.addresses.values():
                drive(size.port, size.server, addresses, min(60, len(addresses)))  # fills the caches; not counted
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for name, count in requests.items():
                for size in sizes.values():
                    size.rounds[name].append(drive(size.port, size.server, size.addresses[name], count))
        return {
            str(factor): report.size(
                size.made,
                starting=size.starting,
                memory=[used for each in workers(size.server) if (used := megabytes(each))],
                replaced=len(set(size.first_workers) - set(workers(size.server))),
                inside=size.inside,
                load=size.rounds,
            )
            for factor, size in sizes.items()
        }


# --- The run ------------------------------------------------------------------------------------------------------


def code() -> str:
    """Names one state of what is measured: figures of two states in one table would compare nothing."""
    digest = hashlib.sha256()
    for folder in ("sensgene", "centres", "missions", "templates", "static", "locale", "deploy", "fixtures"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def stop(*args) -> None:
    sys.exit("stopped")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="only 1 and 10 times the data, and fewer requests")
    is_quick = arguments.parse_args().quick
    factors, rounds, repeats, share = ((1, 10), 2, 2, 0.2) if is_quick else ((1, 10, 100), ROUNDS, REPEATS, 1.0)
    signal.signal(signal.SIGTERM, stop)  # so that what was started is stopped, and the folder removed
    started = time.monotonic()
    requests = {name: max(30, int(share * count)) for name, count in REQUESTS.items()}
    result = {
        "machine": {
            "cores": os.cpu_count(),
            "load_before": os.getloadavg()[0],
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "code": code(),
        "seed": SEED,
        "rounds": rounds,
        "requests_a_round": requests,
        "connections": CONNECTIONS,
        "workers": WORKERS,
    }
    with tempfile.TemporaryDirectory(prefix="sensgene-bench-") as folder:
        site = Site(Path(folder), f"sqlite:///{Path(folder) / 'sensgene.sqlite3'}")
        say("1x: publishing the real content")
        result["publishing"] = publish(site)
        result["sizes"] = measure(site, factors, rounds, repeats, requests)
    result["code_changed_meanwhile"] = code() != result["code"]
    result["machine"]["load_after"] = os.getloadavg()[0]
    result["seconds"] = time.monotonic() - started
    print(report.text(result))
    file = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "bench" / "search.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
