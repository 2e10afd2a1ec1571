# SPDX-License-Identifier: Apache-2.0
"""``vvm token``: who may call the HTTP API, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from cyclopts import App, CycloptsError, Parameter, validators

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_rows
from vvm.domain.access import Role, Scope, Token

app = App(name="token")

Name = Annotated[str, Parameter(help="Whose it is, for example crm; shown in the log.")]
RoleOption = Annotated[Role, Parameter(help="What it is good for: docs/http.md has the table.")]
Scopes = Annotated[
    Sequence[str],
    Parameter(
        name="--scope",
        negative=(),
        show_default=False,
        help=f"Of the role only this; may be given several times. One of {', '.join(Scope)}.",
    ),
]
Days = Annotated[
    int | None,
    Parameter(validator=validators.Number(gte=1), help="How many days it lives; for ever when left out."),
]
Rate = Annotated[float | None, Parameter(help="Requests a second; http.requests_per_second when left out.")]

_COLUMNS = ("name", "role", "scopes", "rate", "created_at", "expires_at")


class TokenView(msgspec.Struct, frozen=True):
    """What is told of a token: everything but the token."""

    name: str
    role: Role
    scopes: tuple[str, ...]
    rate: float | None
    created_at: datetime
    expires_at: datetime | None


class NewTokenView(TokenView, frozen=True):
    token: str
    """In this answer and never again."""


@app.command
async def create(
    name: Name,
    /,
    *,
    config: ConfigFile,
    role: RoleOption,
    scope: Scopes = (),
    days: Days = None,
    rate: Rate = None,
    json: AsJson = False,
) -> None:
    """Make a token and print it, this once: only a digest is kept."""
    wanted = _scopes(scope)
    life = None if days is None else timedelta(days=days)
    async with opened(config) as services:
        token, secret = await services.tokens.create(name, role, scopes=wanted, rate=rate, life=life)
    if json:
        show_json(NewTokenView(**msgspec.structs.asdict(_view(token)), token=secret.reveal()))
    else:
        show_line(secret.reveal())


@app.command(name="list")
async def page(*, config: ConfigFile, json: AsJson = False) -> None:
    """List the tokens by name; none of them can be shown again."""
    async with opened(config) as services:
        views = [_view(token) for token in await services.tokens.all()]
    if json:
        show_json(views)
    else:
        rows = [msgspec.to_builtins(one) for one in views]
        show_rows(_COLUMNS, [row | {"scopes": " ".join(row["scopes"]) or None} for row in rows])


@app.command
async def revoke(name: Name, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Close the API to a token, from now on."""
    async with opened(config) as services:
        await services.tokens.revoke(name)
    if json:
        show_json({"revoked": name})
    else:
        show_line(f"{name} is revoked")


def _scopes(texts: Sequence[str]) -> frozenset[Scope]:
    """Raises CycloptsError for what is no scope."""
    if unknown := sorted(set(texts).difference(Scope)):
        raise CycloptsError(msg=f"{unknown[0]} is no scope: --scope takes {', '.join(Scope)}")
    return frozenset(map(Scope, texts))


def _view(token: Token) -> TokenView:
    return TokenView(
        name=token.name,
        role=token.role,
        scopes=tuple(sorted(token.scopes)),
        rate=token.rate,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )
