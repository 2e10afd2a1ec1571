# SPDX-License-Identifier: Apache-2.0
"""Adapters of the Hints port: how the news of a change travels to those who wait for it."""
