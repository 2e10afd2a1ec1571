# SPDX-License-Identifier: Apache-2.0
"""The commands, and what their ends mean: one clear line on stderr, and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from enum import IntEnum
from importlib.metadata import version as installed_version

from cyclopts import App, CycloptsError, MissingArgumentError

from vvm.cli.options import AsJson
from vvm.cli.output import show_error, show_json, show_line
from vvm.config.errors import ConfigError
from vvm.domain.errors import BadStart, InvalidNumber, Outage, Refusal


class Exit(IntEnum):
    """Stable, for scripts."""

    OK = 0
    REFUSED = 1
    """The rules do not allow it: nothing was changed."""
    USAGE = 2
    """The command or the configuration must be put right first."""
    OUTAGE = 3
    """Something we depend on did not answer: the same command may work later."""
    BUG = 70
    """EX_SOFTWARE of sysexits: the traceback belongs into an issue."""


app = App(
    name="vvm",
    help="Visual voicemail server for mobile carriers.",
    version=lambda: installed_version("vvm"),
    help_epilogue="Exit: 0 ok, 1 refused, 2 usage or configuration, 3 outage.",
)
# Named and not imported: `vvm --help` should not wait until the whole server is loaded.
for _name, _place, _help in (
    ("serve", "vvm.cli.serve:serve", "Run the server until SIGTERM or SIGINT."),
    ("demo", "vvm.cli.serve:demo", "Play the main job with a simulated SMSC and handset."),
    ("config", "vvm.cli.config:app", "Check a configuration, and explain its keys."),
    ("doctor", "vvm.cli.doctor:doctor", "Act as one subscriber's handset, and tell which hop fails and why."),
    ("subscriber", "vvm.cli.subscriber:app", "Add, show, change, remove and list subscribers."),
    ("device", "vvm.cli.device:app", "Give devices logins of their own, list and revoke them."),
    ("audit", "vvm.cli.audit:app", "List who did what to which subscriber."),
    ("timeline", "vvm.cli.subscriber:timeline", "Show everything between a number and the service."),
    ("cos", "vvm.cli.cos:app", "Keep classes of service."),
    ("token", "vvm.cli.token:app", "Create, list and revoke tokens of the HTTP API."),
    ("carrier-config", "vvm.cli.carrier_config:app", "Print what handsets must be told of this service."),
    ("migrate", "vvm.cli.migrate:app", "Take in voicemail of Asterisk, of any IMAP server, or of a table."),
    ("message", "vvm.cli.message:app", "Deposit messages, list, show, hear, mark, delete and restore them."),
    ("greeting", "vvm.cli.greeting:app", "Record greetings from files, choose, hear and remove them."),
    ("store", "vvm.cli.store:app", "Check and repair the store, move it, migrate its schema."),
    ("backup", "vvm.cli.backup:app", "Back up a running server, prove the backup, restore it."),
    ("blobs", "vvm.cli.blobs:app", "Delete blobs that no message has."),
    ("notification", "vvm.cli.notification:app", "List SMS that never reached a phone, and send them again."),
    ("event", "vvm.cli.event:app", "List what happened, and follow what happens."),
    ("webhook", "vvm.cli.webhook:app", "Have events posted to an operator's systems."),
):
    app.command(_place, name=_name, help=_help)


@app.command
def version(*, json: AsJson = False) -> None:
    """Show the version."""
    found = installed_version("vvm")
    if json:
        show_json({"version": found})
    else:
        show_line(f"vvm {found}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (``sys.argv`` when None) and answer its exit code."""
    try:
        app(
            sys.argv[1:] if arguments is None else arguments,
            exit_on_error=False,
            print_error=False,
            result_action="return_none",
        )
    except Exception as error:  # noqa: BLE001 - the outermost edge: everything gets its exit code here
        return max(_end(leaf) for leaf in _leaves(error))
    return Exit.OK


def _end(error: BaseException) -> Exit:
    """Tell of an error; its meaning for the caller."""
    match error:
        case MissingArgumentError(keyword=None, tokens_so_far=[]):
            show_error(_missing(error))
            return Exit.USAGE
        case CycloptsError() | ConfigError() | BadStart() | InvalidNumber():
            show_error(str(error))
            return Exit.USAGE
        case Refusal():
            show_error(str(error))
            return Exit.REFUSED
        case OSError(filename=file, strerror=str(why)):
            show_error(f"{file}: {why}" if file else why)
            return Exit.OUTAGE
        case Outage() | OSError():
            show_error(str(error) or type(error).__name__)
            return Exit.OUTAGE
        case _:
            traceback.print_exception(error)
            return Exit.BUG


def _missing(error: MissingArgumentError) -> str:
    """What a command line lacks, and where else it may stand."""
    argument = error.argument
    if argument is None:
        return str(error)
    variable = argument.parameter.env_var
    elsewhere = f": give it, or set {' or '.join(variable)}" if variable else ""
    return f"{argument.name} is missing{elsewhere}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of the parts of a server, which end together."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
