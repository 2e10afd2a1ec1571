# SPDX-License-Identifier: Apache-2.0
"""``vvm migrate``: voicemail of another system comes here, as often as it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.opening import by_hand
from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_rows
from vvm.cli.progress import progress
from vvm.config.load import load
from vvm.config.secrets import read_secret
from vvm.domain.errors import Refusal
from vvm.migration.imap import ImapMailboxes, ImapServer
from vvm.migration.ledger import Ledger
from vvm.migration.migration import Line, Migration, Options
from vvm.migration.numbers import read_numbers
from vvm.migration.source import Source
from vvm.migration.spool import Spool
from vvm.migration.table import CsvTable
from vvm.runtime.logs import configure
from vvm.runtime.wiring import open_services
from vvm.services.owing import Owing

app = App(
    name="migrate",
    help_epilogue="Nothing at the source is changed. To run it again adds only what was not there.",
)

_COLUMNS = (
    *("mailbox", "msisdn", "subscriber", "found", "taken", "known", "refused", "verified"),
    *("greetings", "pin", "octets"),
)

NumbersFile = Annotated[
    Path | None,
    Parameter(name="--numbers", help="CSV: mailbox, number. A mailbox that is a number needs no line."),
]
DryRun = Annotated[
    bool, Parameter(name="--dry-run", negative=(), help="Tell what would be done, and do nothing.")
]
Create = Annotated[
    bool, Parameter(name="--create", negative=(), help="Give the service to numbers that do not have it.")
]
Tell = Annotated[
    bool, Parameter(name="--tell", negative=(), help="Tell each active client once, at the end, to look.")
]
LedgerFile = Annotated[
    Path | None,
    Parameter(name="--ledger", help="What was done so far; migration.ndjson in state.directory by default."),
]


class Incomplete(Refusal):
    """Something did not come along, and was told."""

    code = "incomplete"


@app.command
async def spool(
    directory: Annotated[Path, Parameter(help="The spool, for example /var/spool/asterisk.")],
    /,
    *,
    config: ConfigFile,
    context: Annotated[str, Parameter(help="The voicemail context.")] = "default",
    voicemail_conf: Annotated[Path | None, Parameter(help="voicemail.conf, for the PINs.")] = None,
    numbers: NumbersFile = None,
    create: Create = False,
    tell: Tell = False,
    ledger: LedgerFile = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Take in an Asterisk or FreePBX voicemail spool: messages, greetings, PINs."""
    source = Spool(directory, context, numbers=read_numbers(numbers), voicemail_conf=voicemail_conf)
    await _migrate(source, config, Options(create, tell), ledger, dry_run=dry_run, as_json=json)


@app.command
async def imap(
    host: Annotated[str, Parameter(help="The IMAP server.")],
    /,
    *,
    config: ConfigFile,
    numbers: Annotated[Path, Parameter(help="CSV: IMAP user name, number. Only these mailboxes come.")],
    master: Annotated[str, Parameter(help="The name that opens every mailbox.")],
    password_file: Annotated[Path, Parameter(help="File whose only line is its password.")],
    port: Annotated[int, Parameter(help="The port of the server.")] = 993,
    tls: Annotated[bool, Parameter(help="Speak TLS from the first octet, or none at all.")] = True,
    ca: Annotated[
        str, Parameter(help="PEM file of the authorities to trust; those of the machine when left out.")
    ] = "",
    folder: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="A folder with messages, INBOX when left out; may be given again.",
        ),
    ] = ("INBOX",),
    greetings: Annotated[str, Parameter(help='The folder of greetings, if it is there; "" for none.')] = (
        "Greetings"
    ),
    seconds: Annotated[float, Parameter(help="How many seconds each answer of the server may take.")] = 30.0,
    create: Create = False,
    tell: Tell = False,
    ledger: LedgerFile = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Take in mailboxes of any IMAP server that knows a master user."""
    server = ImapServer(host, port, tls, ca, master, read_secret(password_file), seconds)
    source = ImapMailboxes(server, read_numbers(numbers), folders=folder, greetings=greetings)
    await _migrate(source, config, Options(create, tell), ledger, dry_run=dry_run, as_json=json)


@app.command
async def csv(
    file: Annotated[Path, Parameter(help="Table: msisdn, file, received_at, caller, heard, urgent, key.")],
    /,
    *,
    config: ConfigFile,
    create: Create = False,
    tell: Tell = False,
    ledger: LedgerFile = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Take in recordings that a table names."""
    await _migrate(CsvTable(file), config, Options(create, tell), ledger, dry_run=dry_run, as_json=json)


async def _migrate(
    source: Source,
    config: Path,
    options: Options,
    ledger: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    settings = load(config, os.environ)
    configure("error", settings.log.format)
    book = Ledger(ledger or Path(settings.state.directory, "migration.ndjson"))
    async with open_services(settings) as services:
        owing = Owing(services.clock, settings.notification)
        migration = Migration(services, source, book, options, owing)
        with progress("mailboxes looked at", quiet=as_json) as looked_at:
            planned = await migration.plan(looked_at)
        if dry_run:
            _report(planned, as_json=as_json)
            _complete(planned, "would not come along")
            return
        total = sum(line.found for line in planned)
        with book, by_hand(), progress("messages", total=total, quiet=as_json) as advance:
            lines = await migration.run(advance)
    _report(lines, as_json=as_json)
    _complete(lines, "did not come along")


def _complete(lines: list[Line], what: str) -> None:
    """Raises Incomplete, in a dry run for what the run would raise it for."""
    wrong = sum(len(line.problems) for line in lines)
    if wrong:
        raise Incomplete(f"{wrong} {what}")


def _report(lines: list[Line], *, as_json: bool) -> None:
    if as_json:
        show_json(lines)
        return
    show_rows(_COLUMNS, [msgspec.to_builtins(line) for line in lines])
    for line in lines:
        for problem in line.problems:
            show_line(f"{line.mailbox}: {problem}")
