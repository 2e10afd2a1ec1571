# SPDX-License-Identifier: Apache-2.0
"""The words of the trade: values and rules, no IO."""
