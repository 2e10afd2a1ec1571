# SPDX-License-Identifier: Apache-2.0
"""The adapter's SQL."""
