"""From what was measured to figures, and from figures to tables."""

from math import ceil
from statistics import median
from urllib.parse import unquote_plus

FLOOR = "floor: /health/live"
SLOWEST = 5
TOO_MUCH = 100  # milliseconds of CPU for one question with the real data
INSIDE = ("suggestions", "results, words", "results, words and town", "a disease")


def percentile(values: list[float], share: float) -> float:
    """By nearest rank: a value that was really measured."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


# --- Figures ------------------------------------------------------------------------------------------------------


def size(made: dict, *, starting: float, memory: list[float], replaced: int, inside: dict, load: dict) -> dict:
    """Everything that one size has to say."""
    return {
        "data": made["counts"],
        "file_megabytes": made["bytes"] / 1e6,
        "seconds_to_make": made["seconds"],
        "seconds_to_start": starting,
        "warming_up_cpu_milliseconds": inside["warming_up"],
        "worker_megabytes": max(memory) if memory else None,
        "workers_replaced": replaced,
        "http": {name: of_rounds(rounds) for name, rounds in load.items()},
        "cpu": {name: of_questions(inside[name]) for name in INSIDE},
    }


def of_rounds(rounds: list[dict]) -> dict:
    """The median of the rounds, each figure by itself."""
    failures: dict[str, int] = {}
    for each in rounds:
        for status, count in each["failures"].items():
            failures[status] = failures.get(status, 0) + count
    spent = [
        1000 * each["cpu_seconds"] / len(each["milliseconds"]) for each in rounds if each["cpu_seconds"] is not None
    ]
    return {
        "p50": median(percentile(each["milliseconds"], 0.5) for each in rounds),
        "p99": median(percentile(each["milliseconds"], 0.99) for each in rounds),
        "per_second": median(len(each["milliseconds"]) / each["seconds"] for each in rounds),
        "cpu": median(spent) if spent else None,
        "requests": [len(each["milliseconds"]) for each in rounds],
        "kept_alive": sum(each["kept_alive"] for each in rounds),
        "failures": failures,
    }


def of_questions(milliseconds: dict[str, list[float]]) -> dict:
    """One figure a question, the median of its repeats: so that p99 speaks of questions, not of a busy machine."""
    typical = {unquote_plus(label): median(values) for label, values in milliseconds.items()}
    values = list(typical.values())
    slowest = sorted(typical, key=lambda label: -typical[label])
    return {
        "p50": percentile(values, 0.5),
        "p99": percentile(values, 0.99),
        "max": max(values),
        "questions": len(values),
        "slowest": {label: typical[label] for label in slowest[:SLOWEST]},
        "too_slow": {label: typical[label] for label in slowest if typical[label] > TOO_MUCH},
    }


# --- Tables -------------------------------------------------------------------------------------------------------


def number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.1f}"


def table(title: str, head: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as they need; the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    drawn = [
        "  ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    return "\n".join([title, "", drawn[0], "-" * len(drawn[0]), *drawn[1:], ""])


def data_rows(sizes: dict[str, dict]) -> dict[str, list[float | None]]:
    first = next(iter(sizes.values()))
    rows = {label: [each["data"][label] for each in sizes.values()] for label in first["data"]}
    for label, key in (
        ("snapshot, MB", "file_megabytes"),
        ("made in, s", "seconds_to_make"),
        ("server answers after, s", "seconds_to_start"),
        ("loading the words, ms of CPU", "warming_up_cpu_milliseconds"),
        ("memory of a worker, MB", "worker_megabytes"),
        ("workers replaced meanwhile", "workers_replaced"),
    ):
        rows[label] = [each[key] for each in sizes.values()]
    return rows


def growth(values: list[float | None]) -> list[str]:
    """Each value in times the first."""
    first, *others = values
    return [f"×{other / first:.1f}" if first and other is not None else "" for other in others]


def text(result: dict) -> str:
    sizes, machine = result["sizes"], result["machine"]
    times = [f"{factor}x" for factor in sizes]
    grown = [f"{factor}/1" for factor in times[1:]]
    parts = [
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, load {machine['load_before']:.1f} before and "
        f"{machine['load_after']:.1f} after; "
        f"code {result['code']}, seed {result['seed']}; {result['workers']} workers, {result['connections']} connections, "
        f"medians of {result['rounds']} rounds; {result['seconds']:.0f} s in all",
        "Requests a round: " + ", ".join(f"{name} {count}" for name, count in result["requests_a_round"].items()),
        "Publishing at 1x: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result["publishing"].items()),
        "More data is invented: a disease has two names (a real one has seven), the networks stay six, and the gazetteer "
        "stays as it is.",
        "",
    ]
    if result["code_changed_meanwhile"]:
        parts.append("!!! THE CODE WAS EDITED MEANWHILE: the sizes may have run different code. Measure again.\n")
    rows = data_rows(sizes)
    parts.append(
        table(
            "The data",
            ["", *times, *grown],
            [
                [label, *map(number, values), *("" for _ in grown)]
                if label in ("made in, s", "workers replaced meanwhile")
                else [label, *map(number, values), *growth(values)]
                for label, values in rows.items()
            ],
        )
    )
    parts.append(over_http(sizes))
    cpu = []
    for name in INSIDE:
        for figure in ("p50", "p99", "max"):
            values = [each["cpu"][name][figure] for each in sizes.values()]
            cpu.append([f"{name}: {figure}", *map(number, values), *growth(values)])
    parts.append(table("CPU for one question, ms, inside one process", ["", *times, *grown], cpu))
    parts.append(growth_of_time(sizes, grown) if grown else "")
    for factor, each in sizes.items():
        for name in ("suggestions", "results, words"):
            slowest = ", ".join(
                f"{label!r} {number(value)} ms" for label, value in each["cpu"][name]["slowest"].items()
            )
            parts.append(f"Slowest at {factor}x, {name}: {slowest}")
    real = next(iter(sizes.values()))
    slow = {label: value for name in INSIDE for label, value in real["cpu"][name]["too_slow"].items()}
    parts.append(f"\nOver {TOO_MUCH} ms of CPU with the real data: {', '.join(slow) or 'none'}")
    return "\n".join(parts)


def over_http(sizes: dict[str, dict]) -> str:
    rows = []
    for factor, each in sizes.items():
        floor = each["http"][FLOOR]
        for name, found in each["http"].items():
            failed = ", ".join(f"{count} × {status}" for status, count in found["failures"].items())
            rows.append(
                [
                    f"{factor}x {name}",
                    number(found["per_second"]),
                    number(found["p50"]),
                    number(found["p99"]),
                    number(found["cpu"]),
                    f"×{found['p50'] / floor['p50']:.1f}",
                    f"×{found['cpu'] / floor['cpu']:.1f}" if found["cpu"] and floor["cpu"] else "?",
                    "+".join(map(str, found["requests"])),
                    failed or "0",
                ]
            )
    kept = sum(found["kept_alive"] for each in sizes.values() for found in each["http"].values())
    asked = sum(sum(found["requests"]) for each in sizes.values() for found in each["http"].values())
    head = ["", "per second", "p50 ms", "p99 ms", "CPU ms", "p50/floor", "CPU/floor", "requests", "failed"]
    title = f"Over HTTP; the server kept the connection open after {kept} of {asked} answers"
    return table(title, head, rows)


def growth_of_time(sizes: dict[str, dict], grown: list[str]) -> str:
    """Time against data: below the growth of the data, the search does better than reading everything."""
    rows = [
        [f"data: {label}", *growth(values)]
        for label, values in data_rows(sizes).items()
        if label in next(iter(sizes.values()))["data"]
    ]
    for name in next(iter(sizes.values()))["http"]:
        rows += [
            [f"{name}, {label}", *growth([each["http"][name][figure] for each in sizes.values()])]
            for figure, label in (("p50", "p50"), ("p99", "p99"), ("cpu", "CPU of the workers"))
        ]
    for name in INSIDE:
        rows += [
            [f"{name}, {figure} of CPU inside", *growth([each["cpu"][name][figure] for each in sizes.values()])]
            for figure in ("p50", "max")
        ]
    return table("Growth", ["", *grown], rows)
