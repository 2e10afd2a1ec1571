# SPDX-License-Identifier: Apache-2.0
"""The addresses at which a node fetches greetings."""

from __future__ import annotations

from http import HTTPStatus

import aiohttp

from vvm.fronts.asterisk.media import MediaShelf

SOUND = b"RIFF a greeting"


async def fetch(uri: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as http, http.get(uri.removeprefix("sound:")) as answer:
        return answer.status, await answer.read()


async def test_what_was_offered_can_be_fetched() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0):
        assert await fetch(shelf.offer(SOUND)) == (HTTPStatus.OK, SOUND)


async def test_the_same_sound_has_the_same_address_and_another_sound_another() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0):
        assert shelf.offer(SOUND) == shelf.offer(SOUND)
        assert shelf.offer(SOUND) != shelf.offer(SOUND + b"!")


async def test_what_was_not_offered_is_not_there() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0):
        address = shelf.offer(SOUND)
        assert (await fetch(address.replace(address[-8:-4], "0000")))[0] == HTTPStatus.NOT_FOUND


async def test_the_oldest_sounds_make_room() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0):
        first, *_, last = [shelf.offer(b"%d" % number) for number in range(257)]
        assert (await fetch(first))[0] == HTTPStatus.NOT_FOUND
        assert (await fetch(last))[0] == HTTPStatus.OK


async def test_the_node_may_know_us_by_another_name() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0, base="http://vvm.example.net:8089/"):
        assert shelf.offer(SOUND).startswith("sound:http://vvm.example.net:8089/greetings/")


async def test_an_address_is_longer_than_the_path_of_the_nodes_copy() -> None:
    shelf = MediaShelf()
    async with shelf.serving(host="127.0.0.1", port=0):
        assert len(shelf.offer(SOUND)) > 150
