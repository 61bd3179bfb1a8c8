"""Datasets beside dvc, duckdb and plain hashing: the section "datasets" of bench/run."""

import files
import rows
import tables
from measure import Peak
from report import heading, line, number, say

# What each option is by default and with --quick.
SIZES = {
    "files": (10_000, 1_000, "small files of 1 KiB"),
    "many-files": (100_000, 5_000, "small files of the larger case"),
    "large-mib": (2048, 64, "MiB of the large file"),
    "pages": (200, 20, "pages that are asked for at each place"),
    "page-rows": (20_000_000, 2_000_000, "pages at rows below this only"),
    "conflicts": (10_000, 1_000, "conflicts of the merge"),
    "event-seconds": (60, 5, "length of the events"),
    "events-per-second": (1000, 1000, "pace of the events"),
}
PARTS = ("small", "large", "import", "pages", "versions", "events")


def add_arguments(parser):
    for name, (usual, quick, about) in SIZES.items():
        parser.add_argument(f"--{name}", type=int, help=f"datasets: {about} ({usual}; {quick} with --quick)")
    parser.add_argument("--part", choices=PARTS, action="append", help="datasets: only this; may be given more than once")


def settle(options):
    """Gives the sizes that were not said."""
    for name, (usual, quick, _) in SIZES.items():
        field = name.replace("-", "_")
        if getattr(options, field) is None:
            setattr(options, field, quick if options.quick else usual)


def bench(options, slipway):
    """Runs the parts, each on a fresh server, and returns what `line` returned for each row."""
    parts = {"small": bench_small, "large": bench_large, "import": bench_imports, "pages": bench_pages,
             "versions": bench_versions, "events": bench_events}
    found = []
    for name, part in parts.items():
        if not options.part or name in options.part:
            found += [row for row in part(options, slipway) if row]
    return found


def memory(what, mib):
    return line(f"{what}: peak memory", mib, None, " MiB", "< 477 MiB", smaller_is_better=True) if mib else None


def wall(cost):
    return cost.wall if cost else None


def cpu_ms(*costs):
    return tuple(1000 * cost.cpu if cost else None for cost in costs)


def bench_small(options, slipway):
    found, first = [], {}
    for count in (options.files, options.many_files):
        say(f"datasets: {count:,} files of 1 KiB")
        seen = files.measure_small(options, lambda: slipway(options), count, with_dvc=not first)
        add, theirs = seen.get("add"), seen.get("dvc add")
        heading(f"{count:,} files of 1 KiB", "see the row")
        if theirs:
            found.append(line("add / dvc add", wall(add), theirs.wall, " s", "20x faster", cpu_ms(add, theirs),
                              smaller_is_better=True))
        found += [
            line("add / hashlib, one process", wall(add), seen["hashlib"], " s", "<= 2x", smaller_is_better=True),
            line("add / sha256sum", wall(add), seen["sha256sum"], " s", smaller_is_better=True),
            line("again after a change / dvc", wall(seen.get("again")), wall(seen.get("dvc again")), " s", "< 0.5 s",
                 cpu_ms(seen.get("again"), seen.get("dvc again")), smaller_is_better=True),
            line("again without a change", wall(seen.get("unchanged")), None, " s", smaller_is_better=True),
            memory("add", seen.get("peak"))]
        if add and first:
            found.append(line(f"add {count:,} / add {options.files:,}", add.wall, first["add"].wall, " s", "<= 12x",
                              smaller_is_better=True))
        first = first or seen
    return found


def bench_large(options, slipway):
    say(f"datasets: a file of {options.large_mib:,} MiB")
    seen = files.measure_large(options, lambda: slipway(options), options.large_mib)
    pair = lambda name: (wall(seen.get(name)), seen["dvc " + name].wall)
    cpu = lambda name: cpu_ms(seen.get(name), seen["dvc " + name])
    stored = seen.get("stored")
    heading(f"A file of {options.large_mib:,} MiB", "see the row")
    return [
        line("add / dvc add", *pair("add"), " s", "", cpu("add"), smaller_is_better=True),
        line("add / sha256sum", wall(seen.get("add")), seen["sha256sum"], " s", smaller_is_better=True),
        line("again after an edit of 1 MiB / dvc", *pair("again"), " s", "", cpu("again"), smaller_is_better=True),
        line("bytes stored by that / dvc", stored and stored / 2**20, seen["dvc stored"] / 2**20, " MiB",
             smaller_is_better=True),
        line("checkout / dvc checkout", *pair("checkout"), " s", "", cpu("checkout"), smaller_is_better=True),
        line("checkout / cp", wall(seen.get("checkout")), seen["cp"], " s", smaller_is_better=True),
        memory("large file", seen.get("peak"))]


def bench_import(options, slipway, table):
    """Import and profile of one table; also the section "tables"."""
    ours, theirs, peak = [], [], 0.0
    for turn in range(options.rounds):
        say(f"{table}: {tables.ROWS[table]:,} rows, round {turn + 1}")
        theirs.append(tables.measure_duckdb(table))
        if not options.anchors:
            with slipway(options) as target, Peak(target.pid) as watch:  # fresh, so that no round finds the work done
                ours.append(tables.measure_slipway(target, table))
            peak = max(peak, watch.mib)
    best = lambda pairs: [min(column) for column in zip(*pairs)] if pairs else (None, None)
    (a_wall, a_cpu), (b_wall, b_cpu) = best(ours), best(theirs)
    heading(f"Import and profile of {tables.ROWS[table]:,} rows", "duckdb CLI")
    found = [line("wall time", a_wall, b_wall, " s", "<= 1.3x", (a_cpu and a_cpu * 1000, b_cpu * 1000), smaller_is_better=True),
             memory(table, peak)]
    return [row for row in found if row]


def bench_imports(options, slipway):
    names = ["transactions"] if options.quick else ["transactions", "promotions"]
    return [row for name in names for row in bench_import(options, slipway, name)]


def bench_pages(options, slipway):
    say(f"datasets: pages of {rows.PAGE_ROWS} of {tables.ROWS['promotions']:,} rows")
    peak = None
    if options.anchors:
        seen = rows.measure_pages(None, options)
    else:
        with slipway(options) as target, Peak(target.pid) as watch:
            seen = rows.measure_pages(target, options)
        peak = watch.mib
    heading(f"Pages of {rows.PAGE_ROWS} of {tables.ROWS['promotions']:,} rows, by HTTP", "duckdb OFFSET")
    found = []
    for (view, row), figures in seen.items():
        ours, theirs = figures.get("ours", (None, None)), figures["theirs"]
        found.append(line(f"{view}, row {row:,}: p50", ours[0], theirs[0], " ms", smaller_is_better=True))
        found.append(line("   p99", ours[1], theirs[1], " ms", smaller_is_better=True))
        if "first" in figures and row == 0:
            found.append(line("   first page of the view", figures["first"], None, " ms", smaller_is_better=True))
    return found + [memory("pages", peak)]


def bench_versions(options, slipway):
    say(f"datasets: diff and merge of versions of {tables.ROWS['transactions']:,} rows")
    peak = None
    if options.anchors:
        seen = rows.measure_versions(None, options)
    else:
        with slipway(options) as target, Peak(target.pid) as watch:
            seen = rows.measure_versions(target, options)
        peak = watch.mib
    heading(f"Two versions of {tables.ROWS['transactions']:,} rows", "duckdb CLI")
    return [
        line("diff by key", seen.get("diff"), seen["duckdb diff"], " s", smaller_is_better=True),
        line(f"merge, {seen['conflicts']:,} conflicts found", seen.get("merge"), seen["duckdb merge"], " s", smaller_is_better=True),
        line("the first 100 conflicts", seen.get("first conflicts"), None, " s", smaller_is_better=True),
        line("merge by rule, committed", seen.get("merge by rule"), seen["duckdb merge"], " s", smaller_is_better=True),
        memory("diff and merge", peak)]


def bench_events(options, slipway):
    if options.anchors:
        return []
    say(f"datasets: {options.events_per_second:,} events/s for {options.event_seconds} s")
    with slipway(options) as target, Peak(target.pid) as watch:
        seen = rows.measure_events(target, options)
    heading(f"{options.events_per_second:,} events/s for {options.event_seconds} s, a version a second", "asked for")
    found = [
        line("events acknowledged", seen["per_second"], options.events_per_second, "/s"),
        line("batch of 100: p50", seen["p50"], None, " ms", "", (1000 * seen["cpu"] / (seen["events"] / rows.BATCH), None)),
        line("   p99", seen["p99"], None, " ms"),
        line("last event visible after", seen["visible"], None, " s"),
        line("versions", seen["versions"], options.event_seconds, ""),
        memory("events", watch.mib)]
    print(f"{seen['files']} files in the newest version; the sender was at most {number(seen['late'], ' ms')} late")
    return found
