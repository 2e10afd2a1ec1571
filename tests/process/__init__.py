# SPDX-License-Identifier: Apache-2.0
"""The real program, killed and stopped at the worst moments; the SMSC lives on in the test's process."""
