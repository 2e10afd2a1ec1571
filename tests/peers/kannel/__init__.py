# SPDX-License-Identifier: Apache-2.0
"""Our Kannel transport against a real Kannel."""
