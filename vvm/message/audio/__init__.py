# SPDX-License-Identifier: Apache-2.0
"""From whatever a capture recorded to the codec of the handset, and back."""
