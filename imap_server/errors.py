# SPDX-License-Identifier: Apache-2.0
"""How a command can end other than well: each error here is one kind of answer on the wire."""

from __future__ import annotations


class Bad(Exception):
    """The client broke the grammar or the order of commands: tagged BAD (RFC 3501 section 7.1.3).

    The text goes to the client, so it never repeats what the client sent.
    """


class No(Exception):
    """The command was understood and is refused: tagged NO, then ``[code]`` when there is one."""

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class PeerGone(Exception):
    """There is nobody left to answer: the connection is closed or was ended by a limit."""
