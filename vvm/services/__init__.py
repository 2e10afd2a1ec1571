# SPDX-License-Identifier: Apache-2.0
"""Use cases: the only writers of meaning."""
