# SPDX-License-Identifier: Apache-2.0
"""``script/bench [store|imap|sms|latency|call|provisioning …]``: print the figures of this machine."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import call, imap, latency, provisioning, report, sms, store
from vvm.runtime.logs import configure

_ALL = ("store", "imap", "sms", "latency", "call", "provisioning")


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"some of {', '.join(_ALL)}; all by default")
    parser.add_argument("--quick", action="store_true", help="store: small and short, to see that it runs")
    parser.add_argument(
        "--subscribers",
        type=int,
        metavar="N",
        default=provisioning.SUBSCRIBERS,
        help="provisioning: how many it imports (default: %(default)s)",
    )
    words = parser.parse_args()
    wanted = words.what or list(_ALL)
    runs: dict[str, Callable[[Path], None]] = {
        "store": partial(store.run, extent=store.QUICK if words.quick else store.Extent()),
        "imap": imap.run,
        "sms": sms.run,
        "latency": latency.run,
        "call": call.run,
        "provisioning": partial(provisioning.run, subscribers=words.subscribers),
    }
    if unknown := set(wanted) - set(_ALL):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    configure("warning", "console")
    print(report.machine())
    # The disk of the checkout, because /tmp may be memory, where an fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parents[2], prefix=".bench-") as folder:
        for name in wanted:
            runs[name](Path(folder))


if __name__ == "__main__":
    main()
