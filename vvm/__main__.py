# SPDX-License-Identifier: Apache-2.0
"""``python -m vvm`` is the ``vvm`` command, for a tree that is not installed."""

from __future__ import annotations

import sys

from vvm.cli.main import main

sys.exit(main())
