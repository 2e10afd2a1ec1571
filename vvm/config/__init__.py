# SPDX-License-Identifier: Apache-2.0
"""One configuration: its keys, its limits, how it is read."""
