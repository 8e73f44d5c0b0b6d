"""What a run says: the lines of the target with must and met, tables, and the history as ratios. Pure but for files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import lookup, times
from bench.pages import OF_TARGET

Run = Mapping[str, Any]
LISTS = ("list", "list, filtered", "list, sorted", "list, searched")
# The record of a live meeting saves itself field by field; a decision is what the button saves.
SAVES = ("save, as typed", "save, decision")
SAVE = SAVES[0]
STATEMENTS = {"board": 8, "case": 15, "agenda": 12} | dict.fromkeys(SAVES, 10)
GROW = ("board", "national list", "case", "agenda", SAVE)
GROWTH, GROWTH_OF_SEARCH = 1.25, 3.0


@dataclass(frozen=True)
class Line:
    """One line of the target: what, what it must be, what was measured; `met` is None when it was not measured."""

    what: str
    must: str
    measured: str
    met: bool | None

    @property
    def said(self) -> str:
        return {True: "yes", False: "NO", None: "not measured"}[self.met]


def _line(what: str, must: str, value: float | None, fits: Callable[[float], bool], unit: str = "") -> Line:
    shown = "" if value is None else f"{value:g}{unit}"
    return Line(what, must, shown, None if value is None else fits(value))


def at_most(what: str, most: float, value: float | None, unit: str = "") -> Line:
    """A line whose figure may be `most`."""
    return _line(what, f"at most {most:g}{unit}", value, lambda each: each <= most, unit)


def at_least(what: str, least: float, value: float | None, unit: str = "") -> Line:
    """A line whose figure must be `least`."""
    return _line(what, f"at least {least:g}{unit}", value, lambda each: each >= least, unit)


def page(run: Run, size: str, name: str, *more: str) -> float | None:
    """A figure of a page."""
    return lookup(run, "sizes", size, "pages", name, *more)


def ratio(run: Run, size: str, name: str, beside: str, figure: str = "p50_ms") -> float | None:
    """How many times what stands beside it a page takes."""
    return times(page(run, size, name, figure), page(run, size, name, "beside", beside, figure))


def _inverse(value: float | None) -> float | None:
    return round(1 / value, 2) if value else None


def largest_of(run: Run) -> str:
    """The largest load of a run."""
    return next(size for size in ("national", "five", "one") if size in run["sizes"])


def lines(run: Run) -> list[Line]:
    """Every line of the issue's table, in its order."""
    size = largest_of(run)
    found = [
        at_most(f"{name}: p95 at {words}", 50, page(run, size, name, *keys), " ms")
        for name in OF_TARGET
        for words, keys in (("one client", ("p95_ms",)), ("20 a second", ("steady", "p95_ms")))
    ]
    for name in ("board", "board, filtered"):
        found.append(at_least(f"{name}: faster than the careful admin", 2, _inverse(ratio(run, size, name, ADMIN))))
        found.append(at_most(f"{name}: of the ordinary page", 1, ratio(run, size, name, "ordinary")))
    for name in LISTS:
        than = _inverse(ratio(run, size, f"national {name}", ADMIN))
        found.append(at_least(f"national {name}: faster than the careful admin", 5, than))
    for name in SAVES:
        found.append(at_most(f"{name}: p95", 30, page(run, size, name, "p95_ms"), " ms"))
        write = times(page(run, size, name, "p50_ms"), page(run, size, "ordinary write", "p50_ms"))
        found.append(at_most(f"{name}: of the ordinary write", 2.5, write))
    found += growth(run)
    for name, most in STATEMENTS.items():
        found.append(at_most(f"{name}: statements", most, page(run, size, name, "statements")))
    found += [same_statements(run)]
    found += in_bulk(run)
    memory = lookup(run, "sizes", size, "memory", "pss_mb")
    found.append(at_most("two web workers together", 250, memory, " MB"))
    return found


ADMIN = "careful admin"


def growth(run: Run) -> list[Line]:
    """The measured scheme in the largest load beside itself alone; the national list beside that of one scheme."""
    size = largest_of(run)
    if size == "one":
        return []
    grown = [
        at_most(
            f"growth of {name}, {size} beside one",
            GROWTH,
            times(page(run, size, name, "p50_ms"), page(run, "one", name, "p50_ms")),
        )
        for name in GROW
    ]
    search = "national list, searched"
    found = times(page(run, size, search, "p50_ms"), page(run, "one", search, "p50_ms"))
    return [*grown, at_most(f"growth of search, {size} beside one", GROWTH_OF_SEARCH, found)]


def same_statements(run: Run) -> Line:
    """Whether pages of the measured scheme take as many statements in every load."""
    counts = {name: {page(run, size, name, "statements") for size in run["sizes"]} - {None} for name in STATEMENTS}
    differ = [name for name, found in counts.items() if len(found) > 1]
    if len(run["sizes"]) < 2:
        return Line("statements at every size", "the same", "", None)
    return Line("statements at every size", "the same", ", ".join(differ) or "the same", not differ)


def in_bulk(run: Run) -> list[Line]:
    """Minutes as a PDF, and the import."""
    minutes, rows = ("bulk", "minutes_pdf"), ("bulk", "import_rows")
    before = lookup(run, "bulk", "while_pdf", "alone", "p95_ms")
    meanwhile = lookup(run, "bulk", "while_pdf", "meanwhile", "p95_ms")
    return [
        at_most("minutes of 60 cases: of the plain stylesheet", 0.9, lookup(run, *minutes, "times_plain")),
        at_most("minutes of 60 cases: memory", 250, lookup(run, *minutes, "peak_mb"), " MB"),
        at_most(f"board p95 at 20 a second while a PDF is made (alone {before} ms)", 50, meanwhile, " ms"),
        at_most("import of 20,000 rows: of COPY", 6, lookup(run, *rows, "times_copy")),
        at_most("import of 20,000 rows: memory", 120, lookup(run, *rows, "peak_mb"), " MB"),
    ]


# --- Tables -----------------------------------------------------------------------


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown writes it, in columns that line up in a terminal too."""
    cells = [[*header], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    written = [
        "| " + " | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([written[0], rule, *written[1:]]) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def target(run: Run) -> str:
    """The lines with must and met."""
    header = ("what", "must", "measured", "met")
    return table(header, [(each.what, each.must, each.measured, each.said) for each in lines(run)])


PAGES = ("page", "p50", "p95", "p95 at 20/s", "p95 of 8", "a second of 8", "statements", "CPU", "database", "bytes")


def pages(run: Run, size: str) -> str:
    """Every page of one load; times in milliseconds."""
    rows = []
    for name, figures in run["sizes"][size]["pages"].items():

        def of(*keys: str, within: Mapping[str, Any] = figures) -> float | None:
            return lookup(within, *keys)

        eight = (of("steady", "p95_ms"), of("eight", "p95_ms"), of("eight", "a_second"))
        one = (of("statements"), of("cpu_ms"), of("database_ms"), of("bytes"))
        rows.append((name, of("p50_ms"), of("p95_ms"), *eight, *one))
    return table(PAGES, rows)


def beside(run: Run, size: str) -> str:
    """Each page as so many times what stands beside it; the first figure by the clock, the second by CPU."""
    kinds = ("nothing", "one query", "limit", "ordinary", ADMIN)
    rows = []
    for name, figures in run["sizes"][size]["pages"].items():
        if figures.get("beside"):
            pairs = [(ratio(run, size, name, kind), ratio(run, size, name, kind, "cpu_ms")) for kind in kinds]
            rows.append((name, *("" if clock is None else f"{clock:g} ({cpu:g})" for clock, cpu in pairs)))
    return table(("page", *(f"of {kind}" for kind in kinds)), rows)


def profiles(run: Run, size: str) -> str:
    """Where the time of the pages of the target goes, in hundredths of it."""
    found = {name: page.get("profile", {}) for name, page in run["sizes"][size]["pages"].items()}
    found = {name: shares for name, shares in found.items() if shares and "wrong" not in shares}
    sums = {part: sum(each.get(part, 0) for each in found.values()) for each in found.values() for part in each}
    parts = sorted(sums, key=lambda part: -sums[part])
    return table(("part", *found), [(part, *(f"{each.get(part, 0):.0%}" for each in found.values())) for part in parts])


def everything(run: Run) -> str:
    """The tables of a run, as they stand in the docs."""
    parts = ["### The target\n\n", target(run)]
    for size, found in run["sizes"].items():
        load = ", ".join(f"{count:,} {name}" for name, count in found["load"].items())
        memory = f"Two web workers: PSS {found['memory']['pss_mb']:g} MB, RSS {found['memory']['rss_mb']:g} MB."
        parts += [f"\n### Load `{size}`: {load}\n\n", pages(run, size), f"\n{memory}\n"]
    size = largest_of(run)
    parts += [f"\n### As ratios, load `{size}` (by CPU in brackets)\n\n", beside(run, size)]
    parts += [f"\n### Where the time goes, load `{size}` (cProfile, which lengthens many small calls)\n\n"]
    parts += [profiles(run, size)]
    if run.get("bulk"):
        parts += ["\n### In bulk\n\n", table(("what", "figure"), _flat(run["bulk"]))]
    return "".join(parts)


def _flat(found: Mapping[str, Any], before: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in found.items():
        called = f"{before}{name}"
        rows += _flat(value, f"{called}, ") if isinstance(value, Mapping) else [(called, value)]
    return rows


# --- History -----------------------------------------------------------------------

RATIOS: dict[str, tuple[str, str]] = {
    "board / nothing": ("board", "nothing"),
    "board / one query": ("board", "one query"),
    "board / limit": ("board", "limit"),
    "board / ordinary": ("board", "ordinary"),
    "board / admin": ("board", ADMIN),
    "filtered / admin": ("board, filtered", ADMIN),
    "list / admin": ("national list", ADMIN),
    "search / admin": ("national list, searched", ADMIN),
    "case / ordinary": ("case", "ordinary"),
    "agenda / ordinary": ("agenda", "ordinary"),
    "home / nothing": ("home, coordinator", "nothing"),
    "live / one query": ("live meeting", "one query"),
}


def history(run: Run) -> dict[str, object]:
    """One row: when, of which commit, over which load, and ratios to the fixed baselines of the same run."""
    size = largest_of(run)
    row: dict[str, object] = {"at": run["at"], "commit": run["commit"], "load": size}
    row |= {name: ratio(run, size, *pair) for name, pair in RATIOS.items()}
    row["save / write"] = times(page(run, size, SAVE, "p50_ms"), page(run, size, "ordinary write", "p50_ms"))
    return row


def with_history(before: str, run: Run) -> str:
    """The file of the history with a row for this run; a row of the same commit and load gives way to it."""
    row = {name: _cell(value) for name, value in history(run).items()}
    same = (row["commit"], row["load"])
    kept = [each for each in csv.DictReader(io.StringIO(before)) if (each["commit"], each["load"]) != same]
    written = io.StringIO()
    writer = csv.DictWriter(written, [*row], lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows([*kept, row])
    return written.getvalue()


BEGIN, END = "<!-- The last run: written by `python -m bench --write-docs` -->", "<!-- The end of the last run -->"


def rewritten(text: str, run: Run) -> str:
    """A page of the docs with this run between its marks. Raises ValueError for a page without them."""
    head, _, rest = text.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise ValueError("The page has no place for a run.")
    about = (
        f"Commit `{run['commit']}`, {run['at']}, {run['cores']} cores ({run['processor']}), Python {run['python']}, "
        f"PostgreSQL {run['postgresql']}. Times in milliseconds."
    )
    return f"{head}{BEGIN}\n\n{about}\n\n{everything(run)}\n{END}{tail}"
