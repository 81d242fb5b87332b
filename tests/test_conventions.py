"""The style guide: what holds for every file, so that nobody has to say it in a review."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState
from django.template.loader import get_template
from django.utils import translation

from sensgene.environment import ROOT

APPS = ("centres", "missions", "newsletter")
CODE = ("sensgene", *APPS)
TEMPLATES = ROOT / "templates"
STYLE_SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return found


def name_of(path: Path) -> str:
    """sensgene/records.py → sensgene.records"""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


# --- Python -------------------------------------------------------------------------------------------------------


def imports(path: Path, *, everywhere: bool = True) -> set[str]:
    """What a module imports; with `everywhere=False` only what it needs in order to be imported itself."""
    found = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            visit(child)

    visit(tree(path))
    return found


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_the_apps_import_no_other_app():
    """centres may point at missions by string key; nothing points the other way."""
    for app in APPS:
        others = set(APPS) - {app}
        assert not {name_of(path): found for path in modules(app) if (found := packages(path) & others)}


def test_what_the_apps_build_on_imports_no_app():
    """sensgene may import everything, except where an app imports it back."""
    own = {name_of(path): path for path in modules("sensgene")}

    def needs(path: Path) -> set[str]:
        found = imports(path, everywhere=False)
        return {name for name in own if name in found or any(each.startswith(f"{name}.") for each in found)}

    foundation, waiting = set(), set().union(*(needs(path) for path in modules(*APPS))) - {"sensgene"}
    while waiting:
        name = waiting.pop()
        foundation.add(name)
        waiting |= needs(own[name]) - foundation - {"sensgene"}
    assert {"sensgene.records", "sensgene.staff", "sensgene.snapshot", "sensgene.translatable"} <= foundation
    backwards = {
        name: found
        for name in foundation
        if (found := {each for each in imports(own[name], everywhere=False) if each.split(".")[0] in APPS})
    }
    assert not backwards


def test_code_imports_no_test():
    assert not [name_of(path) for path in modules(*CODE) if packages(path) & {"tests", "pytest", "hypothesis"}]


def test_imports_are_absolute():
    relative = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules(*CODE, "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_every_module_says_what_belongs_there():
    silent, checked = [], 0
    for path in (ROOT / "manage.py", *modules(*CODE, "tests")):
        is_empty_package = path.name == "__init__.py" and not path.read_text().strip()
        if "migrations" in path.parts or is_empty_package:
            continue
        checked += 1
        if not ast.get_docstring(tree(path)):
            silent.append(str(path.relative_to(ROOT)))
    assert not silent
    assert checked > 40


def test_modules_have_names_that_one_would_search_for():
    shelves = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "base", "core", "stuff", "lib"}
    assert not [name_of(path) for path in modules(*CODE, "tests") if path.stem in shelves]


def test_the_project_package_has_no_models():
    assert list(apps.get_app_config("sensgene").get_models()) == []
    assert all(list(apps.get_app_config(app).get_models()) for app in ("centres", "missions"))


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def test_only_prose_declares_text_to_be_safe_html():
    ways = ("mark_safe", "SafeString", "SafeText", "safe")
    users = {name_of(path) for path in modules(*CODE) if any(calls(path, *ways))}
    assert users == {"sensgene.prose"}


def test_html_patterns_are_literals():
    """A pattern put together at run time could hold somebody's input."""
    found = [node for path in modules(*CODE) for node in calls(path, "format_html")]
    assert found
    assert not [ast.unparse(node) for node in found if not isinstance(node.args[0], ast.Constant)]


def test_what_a_request_brings_goes_through_a_form():
    loose, checked = [], 0
    for path in modules(*CODE):
        if path.stem in ("middleware", "staff"):  # they look at everything, and keep nothing
            continue
        in_forms = set()
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Form"):
                in_forms |= {id(each) for argument in node.args for each in ast.walk(argument)}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("GET", "POST", "FILES"):
                checked += 1
                if id(node) not in in_forms:
                    loose.append(f"{name_of(path)}:{node.lineno}")
    assert not loose
    assert checked > 0


def test_no_migration_is_pending():
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        NonInteractiveMigrationQuestioner(specified_apps=set(), dry_run=True),
    )
    with translation.override(None):  # migrations hold the English words
        changes = detector.changes(graph=loader.graph)
    operations = [
        operation.describe() for app in CODE for each in changes.get(app, ()) for operation in each.operations
    ]
    assert not operations
    assert {"centres", "missions"} <= loader.migrated_apps


def test_the_tests_mirror_the_code():
    """tests/centres/test_phones.py tests centres/phones.py."""
    orphans, checked = [], 0
    for app in CODE:
        for path in sorted((ROOT / "tests" / app).glob("test_*.py")):
            checked += 1
            subject = path.stem.removeprefix("test_")
            places = [ROOT / app, ROOT / app / "management" / "commands", ROOT / app / "templatetags"]
            if not any((place / f"{subject}.py").exists() for place in places):
                orphans.append(str(path.relative_to(ROOT)))
    assert not orphans
    assert checked > 10


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert len(folders) > 3
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


# --- Templates ----------------------------------------------------------------------------------------------------

BLOCKS = ("title", "description", "head", "breadcrumb", "main", "aside", "scripts")


def templates() -> dict[str, str]:
    found = {
        str(path.relative_to(TEMPLATES)): path.read_text("utf-8") for path in TEMPLATES.rglob("*") if path.is_file()
    }
    assert len(found) > 30
    return found


def names_in_code() -> Iterator[re.Pattern]:
    """Every template name that Python mentions. `f"missions/{template}.html"` counts for what its module names."""
    for path in modules(*CODE):
        texts = {node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.compile(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                words = "|".join(re.escape(str(text)) for text in texts if re.fullmatch(r"\w+", str(text)))
                parts = [
                    re.escape(part.value) if isinstance(part, ast.Constant) else f"(?:{words})" for part in node.values
                ]
                yield re.compile("".join(parts))


def test_every_template_is_used():
    found = templates()
    named = list(names_in_code())
    # Django finds admin/… by itself, where it replaces a template of its own.
    replaced = {name for name in found if name.startswith("admin/") and len(origins(name)) > 1}
    used = replaced | {name for name in found if any(pattern.fullmatch(name) for pattern in named)}
    waiting = list(used)
    while waiting:
        for name in re.findall(r"{%\s*(?:include|extends)\s+['\"]([^'\"]+)['\"]", found[waiting.pop()]):
            if name in found and name not in used:
                used.add(name)
                waiting.append(name)
    assert set(found) - used == set()


def origins(name: str) -> list[str]:
    folders = [TEMPLATES, *(Path(config.path) / "templates" for config in apps.get_app_configs())]
    return [str(folder) for folder in folders if (folder / name).exists()]


def test_every_template_compiles():
    for name in templates():
        get_template(name)


def test_templates_never_switch_escaping_off():
    unsafe = re.compile(r"\|\s*safe(seq)?\b|{%\s*autoescape\s+off|\|\s*escapejs\b")
    assert not [name for name, text in templates().items() if unsafe.search(text)]


def test_pages_fill_the_seven_blocks_in_the_order_of_the_base():
    found = templates()
    assert tuple(re.findall(r"{%\s*block (\w+)", found["base.html"])) == BLOCKS
    wrong, checked = {}, 0
    for name, text in found.items():
        if parent := re.search(r"{%\s*extends\s+['\"]([^'\"]+)['\"]", text):
            if name.startswith("admin/"):
                continue
            checked += 1
            blocks = re.findall(r"{%\s*block (\w+)", text)
            own = [block for block in blocks if block in BLOCKS]
            others = set(blocks) - set(BLOCKS) - {"records"}  # the lists of a page of prose stand in one of their own
            in_order = all(BLOCKS.index(before) < BLOCKS.index(after) for before, after in pairwise(own))
            if others or not in_order or (parent[1] == "base.html" and not {"title", "main"} <= set(own)):
                wrong[name] = blocks
    assert not wrong
    assert checked > 10


def test_shared_templates_stand_on_their_shelf():
    """layout/: once on every page. components/: used by two apps or more. <app>/<model>_<page>.html: the rest."""
    shelves = {name.split("/")[0] for name in templates() if "/" in name}
    assert shelves <= {"layout", "components", "site", "admin", *APPS}
    assert [name for name in templates() if "/" not in name] == ["base.html"]


# --- Style sheets -------------------------------------------------------------------------------------------------

COLOUR_NAMES = (
    "black white red green blue yellow orange purple grey gray silver navy teal maroon olive lime aqua fuchsia pink brown "
    "gold cyan magenta beige ivory indigo violet crimson salmon coral khaki plum orchid tan"
)
COLOUR_NAME = "|".join(COLOUR_NAMES.split(" "))
COLOUR = re.compile(
    rf"#[0-9a-f]{{3,8}}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix)\(|\b(?:{COLOUR_NAME})\b", re.I
)
SAMPLE = re.compile(r"\.sample-(standard|black|blue|white)$")


def rules(sheet: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(the @-rule around it, selector, declarations) of each rule, in order."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.S)
    around, prelude, position = [], "", 0
    for match in re.finditer(r"[{}]", text):
        piece = text[position : match.start()].strip()
        position = match.end()
        if match[0] == "{":
            prelude = piece
            if prelude.startswith(("@media", "@supports", "@layer")):
                around.append(prelude)
                prelude = ""
        elif prelude:
            pairs = (line.partition(":") for line in piece.split(";") if line.strip())
            yield " ".join(around), " ".join(prelude.split()), {name.strip(): value.strip() for name, _, value in pairs}
            prelude = ""
        else:
            around.pop()


def test_a_rule_that_sets_the_colour_of_text_sets_what_is_behind_it():
    checked, wrong = 0, []
    for sheet in STYLE_SHEETS:
        for _around, selector, declared in rules(sheet):
            if "color" in declared:
                checked += 1
                if not {"background-color", "background"} & set(declared):
                    wrong.append((sheet.name, selector))
    assert not wrong
    assert checked > 10


def test_only_the_tokens_name_colours():
    """…and the four buttons that are samples of what they give."""
    wrong, samples = [], set()
    for sheet in STYLE_SHEETS:
        if sheet.name == "tokens.css":
            continue
        for _around, selector, declared in rules(sheet):
            literals = [f"{name}: {value}" for name, value in declared.items() if COLOUR.search(value)]
            if sample := SAMPLE.search(selector):
                samples.add(sample[1])
            elif literals:
                wrong.append((sheet.name, selector, literals))
    assert not wrong
    assert samples == {"standard", "black", "blue", "white"}


def themes() -> dict[str, dict[str, str]]:
    """Theme → token → value: what is chosen, and what the operating system asks for where nothing is."""
    base, found = {}, {}
    for around, selector, declared in rules(ROOT / "static" / "css" / "tokens.css"):
        tokens = {name.removeprefix("--"): value for name, value in declared.items() if name.startswith("--")}
        chosen = re.fullmatch(r':root\[data-contrast="(\w+)"\]', selector)
        if selector == ":root" and not around:
            base |= tokens
        elif chosen and chosen[1] != "auto":
            found[chosen[1]] = tokens
        elif chosen:
            found[around] = tokens
    return {"standard": base, **{name: {**base, **tokens} for name, tokens in found.items()}}


def luminance(colour: str) -> float:
    digits = colour.strip().removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    assert re.fullmatch("[0-9a-fA-F]{6}", digits), f"{colour} is not written as #rrggbb"
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "band", "card")


def test_the_contrast_formula_is_that_of_wcag():
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def pairs_of_text() -> set[tuple[str, str]]:
    """(token of the text, token behind it), read from the style sheets; what is transparent stands on any ground."""
    pairs = {("ink", ground) for ground in GROUNDS}
    for sheet in STYLE_SHEETS:
        for _around, _selector, declared in rules(sheet):
            text = re.fullmatch(r"var\(--(\w[\w-]*)\)", declared.get("color", ""))
            behind = re.fullmatch(r"var\(--(\w[\w-]*)\)", declared.get("background-color", ""))
            if text and sheet.name != "staff.css":
                pairs |= {(text[1], behind[1])} if behind else {(text[1], ground) for ground in GROUNDS}
    return pairs


def test_text_has_a_contrast_of_seven_in_every_theme():
    found, pairs = themes(), pairs_of_text()
    assert {"standard", "black", "blue", "white"} < set(found)
    assert len(found) == 6  # and two for the wishes of the operating system
    assert {"ink", "quiet", "link", "visited", "accent", "on-accent"} <= {text for text, _ground in pairs}
    weak = {
        (theme, text, ground): round(ratio, 2)
        for theme, tokens in found.items()
        for text, ground in sorted(pairs)
        if (ratio := contrast(tokens[text], tokens[ground])) < 7
    }
    assert not weak


@pytest.mark.parametrize(("token", "least"), [("focus", 3), ("edge", 4.5), ("accent", 4.5)])
def test_rings_and_borders_stand_out_in_every_theme(token, least):
    weak = {
        (theme, ground): round(ratio, 2)
        for theme, tokens in themes().items()
        for ground in GROUNDS
        if (ratio := contrast(tokens[token], tokens[ground])) < least
    }
    assert not weak


def test_each_contrast_button_is_a_readable_sample_of_its_theme():
    found, seen = themes(), set()
    for _around, selector, declared in rules(ROOT / "static" / "css" / "layout.css"):
        if sample := SAMPLE.search(selector):
            seen.add(sample[1])
            theme = found[sample[1]]
            assert (declared["color"], declared["background-color"]) == (theme["ink"], theme["paper"])
            assert contrast(declared["color"], declared["background-color"]) >= 7
    assert seen == {"standard", "black", "blue", "white"}


def test_no_rule_overrides_forced_colours_or_moves_anything():
    found = [(sheet.name, selector, declared) for sheet in STYLE_SHEETS for _a, selector, declared in rules(sheet)]
    assert len(found) > 50
    banned = re.compile(r"^(forced-color-adjust|animation.*|transition.*)$")
    assert not [each for each in found if any(banned.match(name) for name in each[2])]
    assert not [each for each in found if each[2].get("position") in ("fixed", "sticky")]


# --- Catalogues ---------------------------------------------------------------------------------------------------

TRANSLATED_INTO = [code for code, _name in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def catalogue(language: str, root: Path = ROOT) -> polib.POFile:
    return polib.pofile(str(root / "locale" / language / "LC_MESSAGES" / "django.po"))


def key(entry: polib.POEntry) -> tuple:
    return (entry.msgctxt, entry.msgid, entry.msgid_plural)


@pytest.mark.parametrize("language", TRANSLATED_INTO)
def test_every_string_of_the_interface_is_translated(language):
    entries = catalogue(language)
    assert len(entries) > 150
    assert [entry.msgid for entry in entries if not entry.translated() or entry.fuzzy] == []
    assert entries.obsolete_entries() == []


@pytest.mark.parametrize("language", TRANSLATED_INTO)
def test_translations_keep_the_placeholders(language):
    checked, wrong = 0, []
    for entry in catalogue(language):
        wanted = set(PLACEHOLDER.findall(f"{entry.msgid} {entry.msgid_plural}"))
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        for place, text in enumerate(filter(None, texts)):
            found = set(PLACEHOLDER.findall(text))
            # "one centre" may leave its number out, "%(total)s centres" may not.
            may_leave_out = entry.msgid_plural and place == 0
            checked += bool(wanted)
            if found - wanted or (wanted - found and not may_leave_out):
                wrong.append((entry.msgid, text))
    assert not wrong
    assert checked > 10


@pytest.mark.parametrize("language", TRANSLATED_INTO)
def test_the_compiled_catalogue_holds_what_the_readable_one_says(language):
    readable = catalogue(language)
    compiled = polib.mofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.mo"))

    def contents(entries) -> dict:
        return {key(entry): (entry.msgstr, dict(entry.msgstr_plural)) for entry in entries}

    assert contents(compiled) == contents(readable.translated_entries())
    assert compiled.metadata["Plural-Forms"] == readable.metadata["Plural-Forms"]


def test_no_string_of_the_interface_waits_for_its_catalogue(tmp_path):
    """Collects the strings again, in a copy, as `make messages` does."""
    if not shutil.which("xgettext"):
        pytest.skip("needs GNU gettext: apt install gettext")
    for name in (*CODE, "templates", "locale", "manage.py", "requirements"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "sensgene.settings", "VAR_DIR": str(tmp_path / "var")}
    command = [sys.executable, "manage.py", "messages"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for language in TRANSLATED_INTO:
        collected = {key(entry) for entry in catalogue(language, tmp_path)}
        committed = {key(entry) for entry in catalogue(language)}
        assert len(collected) > 150
        assert collected == committed


# --- The tree -----------------------------------------------------------------------------------------------------

FIXED = {
    *(
        "manage.py",
        "sensgene",
        "centres",
        "missions",
        "newsletter",
        "templates",
        "static",
        "locale",
        "fixtures",
        "tests",
    ),
    *("pyproject.toml", "README.md", "Makefile", "requirements", "LICENSE", "deploy"),
}
MADE_BY_TOOLS = {"var", "__pycache__"}


def names_at_the_top() -> set[str]:
    """What is committed; without git, what lies there."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
        files = [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else []
    except FileNotFoundError:
        files = []
    return {name.split("/")[0] for name in files} or {path.name for path in ROOT.iterdir()} - MADE_BY_TOOLS


def test_the_top_of_the_tree_holds_only_what_the_design_names():
    names = names_at_the_top()
    assert {name for name in names if not name.startswith(".")} - FIXED == set()
    assert FIXED - names == set()


def test_the_readme_names_every_setting_that_the_environment_can_give():
    readme = (ROOT / "README.md").read_text("utf-8")
    names = set()
    for path in (ROOT / "sensgene" / "settings.py", ROOT / "deploy" / "gunicorn.conf.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and re.search(r"^env_|environ\.get$", ast.unparse(node.func)):
                names |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    assert {"SECRET_KEY", "SITE_ORIGIN", "VAR_DIR"} <= names
    assert {name for name in names | {"DATABASE_URL"} if name not in readme} == set()
