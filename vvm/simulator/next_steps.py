# SPDX-License-Identifier: Apache-2.0
"""What to try on the server of the demonstration: commands to copy as they are."""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib.resources import files
from pathlib import Path

from vvm.config.address import Address, parse_address
from vvm.config.sections import Config
from vvm.simulator.imap import Account


def next_steps(config: Config, file: Path, account: Account, *, subscriber: str, caller: str) -> list[str]:
    """Lines to print, for a shell in the present directory; ``file`` is the configuration.

    ``account`` is the subscriber's, password and all: print the lines, never log them.
    """
    http, imap = parse_address(config.http.listen), parse_address(config.imap.listen[0])
    url = f"http://{_reachable(http)}"
    messages = f"{url}/v1/subscribers/{subscriber}/messages"
    curl = f'curl -sS -H "Authorization: Bearer $(cat {_path(config.admin_token_path)})"'
    speech = _path(Path(str(files("vvm.simulator").joinpath("hello.wav"))))
    vvm, python = _path(Path(sys.executable).with_name("vvm")), _path(Path(sys.executable))
    look = _look(_reachable(imap), str(config.certificate_path), account)
    return [
        "Health and figures:",
        f"   curl -sS {url}/readyz",
        f"   curl -sS {url}/metrics",
        "Leave another message, by the API or by the command line:",
        f"   {curl} --data-binary @{speech} '{messages}?from=%2B{caller.removeprefix('+')}'",
        f"   {vvm} message deposit {speech} --to {subscriber} --from {caller} --config {_path(file)}",
        "See what is there:",
        f"   {curl} {messages}",
        f"   {vvm} subscriber show {subscriber} --config {_path(file)}",
        f"Be the phone (user {account.user}, password {account.password}):",
        f"   {python} -c {shlex.quote(look)}",
    ]


def _look(imap: Address, certificate: str, account: Account) -> str:
    """A program for Python's own client; JSON's strings are Python's too, and have no single quotes."""
    host, trusted, user, password = map(json.dumps, (imap.host, certificate, account.user, account.password))
    return (
        f"import imaplib, ssl; phone = imaplib.IMAP4({host}, {imap.port}); "
        f"phone.starttls(ssl.create_default_context(cafile={trusted})); phone.login({user}, {password}); "
        'print(phone.select(), phone.fetch("1:*", "(UID FLAGS RFC822.SIZE ENVELOPE)"))'
    )


def _reachable(address: Address) -> Address:
    """Where this machine reaches what listens on all of its addresses."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return Address(everywhere.get(address.host, address.host), address.port)


def _path(path: Path) -> str:
    """As short as it can be said from here, for a shell."""
    return shlex.quote(min(str(path), os.path.relpath(path), key=len))
