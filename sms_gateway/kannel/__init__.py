# SPDX-License-Identifier: Apache-2.0
"""Kannel's HTTP interface as a second way to the handsets, behind the same port as SMPP."""
