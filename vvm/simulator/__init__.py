# SPDX-License-Identifier: Apache-2.0
"""A handset to try the product with, and the demonstration that plays one against the real server."""
