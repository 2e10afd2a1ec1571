# SPDX-License-Identifier: Apache-2.0
"""An SMSC to test against and to try the product with, faults included."""
