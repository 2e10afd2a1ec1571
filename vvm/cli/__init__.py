# SPDX-License-Identifier: Apache-2.0
"""The ``vvm`` command: the same use cases as the API, straight on the store."""
