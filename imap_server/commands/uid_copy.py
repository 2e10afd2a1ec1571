# SPDX-License-Identifier: Apache-2.0
"""UID COPY (RFC 3501 section 6.4.8): refused as COPY is."""

from __future__ import annotations

from imap_server.commands import copy
from imap_server.session import SELECTED

NAME = b"UID COPY"
STATES = SELECTED
CAPABILITY = None
parse = copy.parse
run = copy.run
