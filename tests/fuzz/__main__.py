# SPDX-License-Identifier: Apache-2.0
"""Fuzz one target with atheris:  python -m tests.fuzz TARGET SECONDS FOLDER

Starts from the kept corpus and writes what reaches new code into FOLDER.  Runs under an interpreter
that has atheris beside our packages: atheris is not among the project's own, because it has no
wheel for every Python that we support.
"""

from __future__ import annotations

import sys

import atheris

from tests.fuzz import corpus

with atheris.instrument_imports(include=["imap_server", "sms_gateway", "vvm"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target, seconds, folder = sys.argv[1:]
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        "-timeout=10",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={folder}/",
        folder,
        str(corpus.FOLDER / target),
    ]
    atheris.Setup(arguments, TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
