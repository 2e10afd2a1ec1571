# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that neither ruff nor mypy nor import-linter can see (design.md section 2)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("vvm", "imap_server", "sms_gateway")
FOLDERS = (*PACKAGES, "tests", "script", "conf")

MOST_LINES = 500

PURE_ROOMS = (
    "imap_server.wire",
    "imap_server.view",
    "imap_server.session",
    "imap_server.search",
    "imap_server.fetch",
    "sms_gateway.smpp",
    "sms_gateway.text",
    "vvm.omtp",
    "vvm.domain",
)
EFFECTS = frozenset({"asyncio", "socket", "ssl", "threading", "sqlite3", "aiohttp", "asyncpg"})

STARTERS = frozenset({"create_task", "ensure_future"})

ONLY_HOME = {
    "asyncpg": "vvm.store.postgres",
    "sqlite3": "vvm.store.sqlite",
    "av": "vvm.message",
    "obstore": "vvm.store.blobs",
}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def imported(tree: ast.Module) -> set[str]:
    """First names of everything a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def loose_tasks(tree: ast.Module) -> Iterator[int]:
    """Lines that start a task which no TaskGroup of that module owns."""
    groups = set(task_groups(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "asyncio":
            if STARTERS & {alias.name for alias in node.names}:
                yield node.lineno
        elif (
            isinstance(node, ast.Attribute)
            and node.attr in STARTERS
            and ast.unparse(node.value) not in groups
        ):
            yield node.lineno


def task_groups(tree: ast.Module) -> Iterator[str]:
    """Names that hold a TaskGroup: of ``async with``, of parameters, of annotated attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars and ast.unparse(item.context_expr) == "asyncio.TaskGroup()":
                        yield ast.unparse(item.optional_vars)
            case ast.arg(arg=name, annotation=ast.expr() as annotation) if is_group(annotation):
                yield name
            case ast.AnnAssign(target=target, annotation=annotation) if is_group(annotation):
                yield ast.unparse(target)


def is_group(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).removesuffix(" | None") == "asyncio.TaskGroup"


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_every_file_names_its_licence_and_its_reason() -> None:
    bad = [
        module_name(path)
        for path in python_files(*FOLDERS)
        if not path.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: Apache-2.0\n")
        or (path.name != "__init__.py" and not ast.get_docstring(parse(path)))
    ]
    assert bad == []


def test_no_file_is_longer_than_it_can_be_read() -> None:
    lengths = {
        module_name(path): path.read_text(encoding="utf-8").count("\n") for path in python_files(*FOLDERS)
    }
    assert {module: lines for module, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_has_no_effects(room: str) -> None:
    files = [path for path in python_files(*PACKAGES) if inside(module_name(path), room)]
    assert files, "the room has another name now"
    breaches = {module_name(path): imported(parse(path)) & EFFECTS for path in files}
    assert {module: names for module, names in breaches.items() if names} == {}


@pytest.mark.parametrize(("library", "home"), ONLY_HOME.items())
def test_a_library_is_imported_only_at_home(library: str, home: str) -> None:
    users = [module_name(path) for path in python_files(*PACKAGES) if library in imported(parse(path))]
    assert users, "nobody imports it any more"
    assert [module for module in users if not inside(module, home)] == []


def test_every_task_has_an_owner_that_waits_for_it() -> None:
    loose = {
        module: lines
        for path in python_files(*PACKAGES)
        if (module := module_name(path)) != "vvm.runtime.supervisor"
        and (lines := list(loose_tasks(parse(path))))
    }
    assert loose == {}


@pytest.mark.parametrize(
    "source",
    [
        "asyncio.create_task(work())",
        "asyncio.ensure_future(work())",
        "asyncio.get_running_loop().create_task(work())",
        "start = asyncio.create_task",
        "from asyncio import create_task",
        "async def run():\n async with asyncio.timeout(1) as tasks:\n  tasks.create_task(work())",
    ],
)
def test_a_loose_task_would_be_seen(source: str) -> None:
    assert list(loose_tasks(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "async def run():\n async with asyncio.TaskGroup() as tasks:\n  tasks.create_task(work())",
        "def start(group: asyncio.TaskGroup):\n group.create_task(work())",
        "self.group: asyncio.TaskGroup | None = None\nself.group.create_task(work())",
    ],
)
def test_a_task_of_a_group_is_not_loose(source: str) -> None:
    assert list(loose_tasks(ast.parse(source))) == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import asyncio.tasks as tasks, socket", {"asyncio", "socket"}),
        ("from ssl import SSLContext", {"ssl"}),
        ("def late():\n import sqlite3", {"sqlite3"}),
        ("from . import asyncio", set()),
    ],
)
def test_an_import_would_be_seen(source: str, names: set[str]) -> None:
    assert imported(ast.parse(source)) == names
