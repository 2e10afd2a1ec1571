# SPDX-License-Identifier: Apache-2.0
"""``vvm doctor``: acts as the handset of one subscriber, hop by hop, and says which one failed and why."""
