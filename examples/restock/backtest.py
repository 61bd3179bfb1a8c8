"""Replays the year without a server: `python backtest.py [--quick]`. The policies and the loop are the real ones."""

import argparse
import time

import numpy as np

from restock.columns import TARGET_FILL_RATE
from restock.local import LocalPlatform
from restock.replay import FIRST_DAY, LAST_DAY, QUICK_DAYS, Replay
from restock.report import closing_table
from restock.simulate import Shop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only the first {QUICK_DAYS} days")
    parser.add_argument("--fill-rate", type=float, default=TARGET_FILL_RATE, help="what the rules are tuned to")
    parser.add_argument("--extra-shelf-days", type=int, default=0, help="added to every shelf life; may be -1")
    options = parser.parse_args()
    last = FIRST_DAY + (QUICK_DAYS - 1) if options.quick else LAST_DAY

    def shop_of(department: np.ndarray) -> Shop:
        return Shop(department, Shop.of(department).lives + options.extra_shelf_days, options.fill_rate)

    started = time.monotonic()
    result = Replay(LocalPlatform(), FIRST_DAY, last, lambda line: print(line, flush=True), shop_of).run()
    print(f"\n{closing_table(result)}\n\n{time.monotonic() - started:.0f} s, {time.process_time():.0f} s CPU")


if __name__ == "__main__":
    main()
