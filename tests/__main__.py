"""Every test: style; units, crawl and processes on SQLite; on PostgreSQL what may differ there; a real browser last.

python -m tests                    everything
WITHOUT=browser,postgres …         accept less, and say so at the end
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from sensgene.environment import ROOT
from tests import services
from tests.site import FIRST_SITE, make_site

PARTS = ("browser", "postgres")
WORKERS = "2"


def run(title: str, *command: str, **environment: str) -> None:
    print(f"\n=== {title}", flush=True)
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **environment})
    print(
        f"=== {title}: {'passed' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s",
        flush=True,
    )
    if done.returncode:
        sys.exit(done.returncode)


def make(title: str, folder: Path, database_url: str) -> str:
    """One site for a whole part of the suite, by the commands an operator types; each worker copies it."""
    started = time.monotonic()
    os.environ["DATABASE_URL"] = database_url
    make_site(folder / "var", FIRST_SITE.lower())
    print(f"=== a site on {title}: made in {time.monotonic() - started:.0f} s", flush=True)
    return str(folder / "var")


def main() -> None:
    without = {part.strip() for part in os.environ.get("WITHOUT", "").split(",") if part.strip()}
    if unknown := without - set(PARTS):
        sys.exit(f"WITHOUT knows {', '.join(PARTS)}; not {', '.join(unknown)}")
    browser = () if "browser" in without else ("browser",)
    with ExitStack() as stack:
        try:
            # Before the first test, so that what is missing is known at once.
            if browser:
                os.environ["CHROMIUM"] = services.chromium()
            postgresql = "" if "postgres" in without else stack.enter_context(services.postgresql())
        except services.Missing as missing:
            sys.exit(f"\n✗ {missing}\n")
        run("style", "ruff", "check", ".")
        run("format", "ruff", "format", "--check", ".")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sites-")))
        on_sqlite = {"DATABASE_URL": "", FIRST_SITE: make("SQLite", folder / "sqlite", "")}
        on_postgresql = postgresql and {
            "DATABASE_URL": postgresql,
            FIRST_SITE: make("PostgreSQL", folder / "postgresql", postgresql),
        }
        run(
            "units and crawl on SQLite",
            "pytest",
            "-q",
            "-n",
            WORKERS,
            "-m",
            "not browser and not server",
            **on_sqlite,
        )
        if postgresql:
            run(
                "units and crawl on PostgreSQL",
                *("pytest", "-q", "-n", WORKERS, "-m", "database and not browser and not server"),
                **on_postgresql,
            )
            run(
                "real processes on PostgreSQL",
                *("pytest", "-q", "-n", WORKERS, "-m", "database and server"),
                **on_postgresql,
            )
        run("real processes on SQLite", "pytest", "-q", "-n", WORKERS, "-m", "server and not browser", **on_sqlite)
        if browser:
            run("browser", "pytest", "-q", "-m", "browser", **on_sqlite)
    for part in without:
        print(f"\n!!! NOT RUN, because WITHOUT names it: {part}", flush=True)
    print("\nAll tests passed." if not without else "\nThe rest passed.", flush=True)


if __name__ == "__main__":
    main()
