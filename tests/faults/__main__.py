"""The mail engine at full size: ten thousand recipients, fifty kills at random and at every step, on both databases.

python -m tests.faults                what `make faults` runs; prints what was lost and what came twice
python -m tests.faults --kills 10     any option of tests.faults.mail_storm
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sensgene.environment import ROOT
from tests import services
from tests.site import SECRET_KEY, make_site


def storm(title: str, database_url: str, options: list[str]) -> int:
    print(f"\n=== the mail engine on {title}", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        own = {"VAR_DIR": folder, "DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}
        environment = {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "sensgene.settings"}
        Path(folder, "build").mkdir()
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        command = [sys.executable, "-m", "tests.faults.mail_storm", *options]
        return subprocess.run(command, cwd=ROOT, env=environment).returncode


def sign_ups(title: str, database_url: str) -> int:
    print(f"\n=== ten thousand sign-ups of one address on {title}", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        os.environ["DATABASE_URL"] = database_url
        site = make_site(Path(folder, "var"), "sign_up_storm")
        command = [sys.executable, "-m", "tests.faults.sign_up_storm", "--attempts", "10000"]
        return subprocess.run(command, cwd=ROOT, env=site.environment()).returncode


def main() -> None:
    options = sys.argv[1:] or ["--recipients", "10000", "--kills", "50", "--labelled", "10"]
    codes = [storm("SQLite", "", options), sign_ups("SQLite", "")]
    with services.postgresql() as url:
        codes += [storm("PostgreSQL", url, options), sign_ups("PostgreSQL", url)]
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
