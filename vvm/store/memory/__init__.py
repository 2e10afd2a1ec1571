# SPDX-License-Identifier: Apache-2.0
"""The store's reference adapter: plain dicts, gone with the process.

It says what the port means in the fewest words, so that the adapters that must be fast can be held
against it, and it is the store of unit tests.
"""

from vvm.store.memory.adapter import MemoryStore

__all__ = ["MemoryStore"]
