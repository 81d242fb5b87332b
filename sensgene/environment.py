"""Makes .venv hold exactly what a lock file lists. Runs before anything is installed, so: standard library only.

python3 sensgene/environment.py runtime | dev | lock
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = ROOT / "requirements"
OLDEST_PYTHON = (3, 11)


def say(message: str) -> None:
    print(f"· {message}", flush=True)


def fail(message: str) -> None:
    sys.exit(f"\n✗ {message}\n")


def venv_bin(name: str) -> str:
    return str(VENV / ("Scripts" if os.name == "nt" else "bin") / name)


def digest(lock: Path) -> str:
    """Names one state of the environment: the lock, byte for byte, and the Python that runs it."""
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def stamp(lock_name: str) -> Path:
    return VENV / f".installed-{lock_name}"


def is_installed(lock_name: str) -> bool:
    """Development holds everything that running needs (a test keeps it so), hence either stamp will do."""
    names = {"runtime": ("runtime", "dev"), "dev": ("dev",)}[lock_name]
    return any(
        stamp(name).exists() and stamp(name).read_text() == digest(LOCKS / f"{name}.txt") for name in names
    ) and os.path.exists(venv_bin("python"))


def apt_install(*packages: str) -> bool:
    """Installs Debian packages where that needs no questions: as root, with apt. Says what it does."""
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        return False
    say(f"Installing {', '.join(packages)} with apt")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", file=sys.stderr)
            return False
    return True


def make_venv() -> None:
    if os.path.exists(venv_bin("python")):
        return
    say(f"Making an environment in .venv with Python {sys.version.split()[0]}")
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode and apt_install("python3-venv"):
        shutil.rmtree(VENV, ignore_errors=True)
        done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        fail(f"Python could not make an environment (on Debian: apt install python3-venv).\n{done.stdout}{done.stderr}")


def uv_environment() -> dict[str, str]:
    """uv would otherwise look for other interpreters, or fetch one."""
    return {**os.environ, "UV_PYTHON": venv_bin("python"), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def install_uv() -> bool:
    if os.path.exists(venv_bin("uv")):
        return True
    pip = [venv_bin("python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*pip, "-r", str(LOCKS / "bootstrap.txt")], capture_output=True, text=True)
    return done.returncode == 0


def install(lock_name: str) -> None:
    """Brings .venv to the state that `requirements/<lock_name>.txt` describes, every file checked by its hash."""
    if is_installed(lock_name):
        return
    make_venv()
    lock = LOCKS / f"{lock_name}.txt"
    say(f"Installing what requirements/{lock.name} lists, every file checked by its hash")
    done = None
    if install_uv():
        uv = [venv_bin("uv"), "pip", "install", "-q", "--require-hashes", "-r", str(lock)]
        done = subprocess.run(uv, env=uv_environment(), capture_output=True, text=True)
    if done is None or done.returncode:
        # pip obeys a company's own configuration, which uv does not read.
        say("uv could not; trying with pip")
        pip = [venv_bin("python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--require-hashes", "-r", str(lock)], capture_output=True, text=True)
    if done.returncode:
        fail(f"The packages could not be installed:\n{done.stderr[-3000:]}")
    stamp(lock_name).write_text(digest(lock))


def write_locks() -> None:
    """Writes the lock files anew. They name no host and no folder, so they work from anywhere."""
    make_venv()
    if not install_uv():
        fail("uv is needed to write the lock files and could not be installed.")
    compile_lock = [venv_bin("uv"), "pip", "compile", "pyproject.toml", "--universal", "--generate-hashes"]
    compile_lock += ["--no-header", "--no-emit-index-url", "-q", "--python-version", ".".join(map(str, OLDEST_PYTHON))]
    for extra in (["-o", "requirements/runtime.txt"], ["--extra", "dev", "-o", "requirements/dev.txt"]):
        constraint = ["-c", "requirements/runtime.txt"] if "--extra" in extra else []
        subprocess.run([*compile_lock, *constraint, *extra], cwd=ROOT, env=uv_environment(), check=True)
        say(f"Wrote {extra[-1]}")


def main(arguments: list[str]) -> None:
    if sys.version_info < OLDEST_PYTHON:
        fail(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version.split()[0]}.")
    match arguments:
        case ["runtime" | "dev" as lock_name]:
            install(lock_name)
        case ["lock"]:
            write_locks()
        case _:
            fail("usage: python3 sensgene/environment.py runtime | dev | lock")


if __name__ == "__main__":
    main(sys.argv[1:])
