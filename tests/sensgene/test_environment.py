"""The lock files, and the script that installs what they say."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sensgene import environment
from sensgene.environment import LOCKS, ROOT

LOCK_FILES = ("bootstrap.txt", "runtime.txt", "dev.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+(?:\[[\w,-]+\])?)==(\S+)((?: ;.*)?) \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pins(name: str) -> dict[str, tuple[str, str, frozenset[str]]]:
    """Package → (version, environment marker, hashes)."""
    found, current = {}, None
    for line in (LOCKS / name).read_text("utf-8").splitlines():
        if match := PIN.match(line):
            current = canonicalize_name(match[1].split("[")[0])
            assert current not in found, f"{current} stands twice in {name}"
            found[current] = (match[2], match[3].strip(" ;"), set())
        elif HASH.match(line):
            found[current][2].add(line.strip(" \\"))
    assert found
    return {package: (version, marker, frozenset(hashes)) for package, (version, marker, hashes) in found.items()}


@pytest.mark.parametrize("name", LOCK_FILES)
def test_a_lock_names_no_address_and_no_folder(name):
    """It must work from any registry, and from a folder of files."""
    for line in (LOCKS / name).read_text("utf-8").splitlines():
        requirement = line.partition("#")[0]
        assert not re.search(
            r"://|@ |file:|--(extra-)?index-url|--find-links|--trusted-host|^-[ief]\b|\.\./", requirement
        ), line
        assert not re.search(r"https?:|\b[\w-]+\.(org|com|net|io)\b", line), line


@pytest.mark.parametrize("name", LOCK_FILES)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(name):
    """Anything else would be installed unchecked, or not at all."""
    others = [
        line
        for line in (LOCKS / name).read_text("utf-8").splitlines()
        if line and not line.lstrip().startswith("#") and not PIN.match(line) and not HASH.match(line)
    ]
    assert not others
    assert all(hashes for _version, _marker, hashes in pins(name).values())


def test_development_holds_everything_that_running_needs():
    """`make run` after `make test` installs nothing; it would be wrong if the two differed."""
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert len(runtime) > 8
    assert {package: dev.get(package) for package in runtime} == runtime
    assert set(dev) - set(runtime) >= {"pytest", "ruff", "playwright"}


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {"runtime.txt": project["dependencies"], "dev.txt": project["optional-dependencies"]["dev"]}
    for name, requirements in asked.items():
        locked = pins(name)
        assert requirements
        for requirement in map(Requirement, requirements):
            version = locked[canonicalize_name(requirement.name)][0]
            assert requirement.specifier.contains(version), f"{requirement}: {version} is locked"


def test_every_dependency_says_what_it_is_for():
    lines = [line.strip() for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()]
    asked = [place for place, line in enumerate(lines) if re.match(r'"[a-z][\w-]*(\[\w+\])?[~=]=', line)]
    assert len(asked) > 10
    assert not [lines[place] for place in asked if not lines[place - 1].startswith("# ")]


def test_the_server_is_recent_enough_for_its_configuration():
    """`control_socket_disable` and `reuse_port` of deploy/gunicorn.conf.py: an older one would ignore or refuse them."""
    assert Version(pins("runtime.txt")["gunicorn"][0]) >= Version("26.1")


def test_the_framework_is_the_long_term_one():
    assert Version("5.2.19") <= Version(pins("runtime.txt")["django"][0]) < Version("5.3")


# --- The script ---------------------------------------------------------------------------------------------------


def test_the_script_needs_nothing_installed():
    tree = ast.parse((ROOT / "sensgene" / "environment.py").read_text("utf-8"))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported
    assert imported <= sys.stdlib_module_names
    assert (ROOT / "sensgene" / "__init__.py").read_text().count("import") == 0


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["runtime", "dev"], ["--help"]], ids=str)
def test_an_order_it_does_not_know_is_refused_in_one_line(arguments):
    command = [sys.executable, "-I", "sensgene/environment.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if line] == [
        "✗ usage: python3 sensgene/environment.py runtime | dev | lock"
    ]


def test_an_old_python_is_told_what_is_needed(monkeypatch):
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 1))
    with pytest.raises(SystemExit) as stopped:
        environment.main(["runtime"])
    assert "Python 99.1 or newer is needed" in str(stopped.value)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with two small locks and nothing installed."""
    (tmp_path / "locks").mkdir()
    for name in ("runtime", "dev"):
        (tmp_path / "locks" / f"{name}.txt").write_text(f"{name}==1 \\\n")
    monkeypatch.setattr(environment, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(environment, "VENV", tmp_path / "venv")
    return tmp_path


def pretend_installed(name: str) -> None:
    python = environment.VENV / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    environment.stamp(name).write_text(environment.digest(environment.LOCKS / f"{name}.txt"))


def test_running_needs_no_installation_after_either_of_the_two(machine):
    assert not environment.is_installed("runtime")
    pretend_installed("dev")
    assert environment.is_installed("runtime")
    assert environment.is_installed("dev")
    environment.install("runtime")  # would need a network, were there anything to do
    environment.stamp("dev").unlink()
    pretend_installed("runtime")
    assert environment.is_installed("runtime")
    assert not environment.is_installed("dev")


def test_a_changed_lock_another_python_or_a_lost_interpreter_means_installing_again(machine, monkeypatch):
    pretend_installed("runtime")
    lock = environment.LOCKS / "runtime.txt"
    before = lock.read_text()
    lock.write_text(before + "other==2 \\\n")
    assert not environment.is_installed("runtime")
    lock.write_text(before)
    assert environment.is_installed("runtime")
    with monkeypatch.context() as other:
        other.setattr(sys, "version", "4.0")
        assert not environment.is_installed("runtime")
    (environment.VENV / "bin" / "python").unlink()
    assert not environment.is_installed("runtime")
