# SPDX-License-Identifier: Apache-2.0
"""The handset that the quick start and the tests use."""
