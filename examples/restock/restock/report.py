"""The closing table: waste and stock-outs of every policy on days that the models never saw."""

import numpy as np

from restock.evaluate import relative_change, select, totals
from restock.replay import MODEL, Result
from restock.rules import BASELINE


def closing_table(result: Result) -> str:
    """Plain text: one line per policy, the comparison with the baseline, and one line per department."""
    lines = [
        f"{len(result.series)} commodities, {len(result.days)} unseen days {result.days[0]} to {result.days[-1]}, "
        f"{result.demand.sum():,.0f} units asked for",
        "",
        f"{'policy':22} {'units wasted':>12} {'waste':>7} {'units unmet':>12} {'fill rate':>9} {'stock-out days':>14}",
    ]
    for name, outcome in result.outcomes.items():
        sums = totals(outcome, result.demand)
        lines.append(
            f"{name:22} {sums.waste:12,.0f} {sums.waste / sums.demand:7.1%} {sums.unmet:12,.0f} "
            f"{sums.fill_rate:9.2%} {sums.stockout_days:14,d}"
        )
    lines += ["", f"change from {BASELINE} to {MODEL} (95 % interval, paired bootstrap by week)"]
    for label, values in daily_measures(result).items():
        change = relative_change(values[BASELINE], values[MODEL])
        lines.append(f"  {label:16} {change.value:+7.1%}   [{change.low:+.1%}, {change.high:+.1%}]")
    lines += ["", f"{'department':22} {'wasted, base':>12} {MODEL:>9} {'unmet, base':>12} {MODEL:>9}"]
    for department in np.unique(result.department):
        rows = result.department == department
        base, ours = (
            totals(select(result.outcomes[name], rows), result.demand[rows]) for name in (BASELINE, MODEL)
        )
        lines.append(
            f"{department:22} {base.waste:12,.0f} {ours.waste:9,.0f} {base.unmet:12,.0f} {ours.unmet:9,.0f}"
        )
    return "\n".join(lines)


def daily_measures(result: Result) -> dict[str, dict[str, np.ndarray]]:
    """What is compared, per day: units wasted, units unmet, series with unmet demand."""
    measures = {
        "units wasted": lambda outcome: outcome.waste.sum(axis=0),
        "units unmet": lambda outcome: outcome.unmet.sum(axis=0),
        "stock-out days": lambda outcome: (outcome.unmet > 0).sum(axis=0),
    }
    return {
        label: {name: measure(outcome) for name, outcome in result.outcomes.items()}
        for label, measure in measures.items()
    }
