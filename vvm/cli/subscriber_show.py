# SPDX-License-Identifier: Apache-2.0
"""How commands show one subscriber."""

from __future__ import annotations

import msgspec

from vvm.cli.output import Row, show_json, show_row
from vvm.domain.subscriber import Subscriber
from vvm.fronts.http.subscribers import view


def show_subscriber(subscriber: Subscriber, *, as_json: bool) -> None:
    document = view(subscriber)
    if as_json:
        show_json(document)
        return
    row: Row = msgspec.to_builtins(document)
    client = msgspec.to_builtins(document.client)
    rest = {name: value for name, value in row.items() if name != "client"}
    rest["status"] = f"{document.status} ({document.status.name.lower()})"
    show_row(rest | {f"client {name}": value for name, value in client.items()})
