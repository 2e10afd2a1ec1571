# SPDX-License-Identifier: Apache-2.0
"""Wiring: builds the adapters, starts the roles, supervises."""
