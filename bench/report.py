"""The table that bench/run prints."""

import sys
import time

ROW = "{:<42} {:>14} {:>14} {:>9} {:>8}   {:>19}"


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def number(value, unit=""):
    if value is None:
        return "-"
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:,.{digits}f}{unit}"


def line(what, ours, theirs, unit, aim="", cpu=(None, None), smaller_is_better=False):
    """One row; the ratio is how many times better we are, or with smaller_is_better how many times as much we take."""
    ratio = None if not ours or not theirs else ours / theirs
    weighed = "" if cpu == (None, None) else f"{number(cpu[0])} / {number(cpu[1])}"
    mark = "" if ratio is None else f"{number(ratio)}x"
    print(ROW.format(what, number(ours, unit), number(theirs, unit), mark, aim, weighed))
    return {"what": what, "slipway": ours, "anchor": theirs, "unit": unit.strip(), "aim": aim, "cpu_ms": cpu,
            "smaller_is_better": smaller_is_better}


def heading(title, anchor):
    print(f"\n{title}")
    print(ROW.format("", "slipway", anchor[:14], "ratio", "aim", "CPU ms (ours/theirs)"))
