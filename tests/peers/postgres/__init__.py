# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL adapter beyond the contract: plans, outages, the program on it."""
