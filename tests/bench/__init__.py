# SPDX-License-Identifier: Apache-2.0
"""Speed, as rates and as ratios measured side by side in one run.  Nothing here is asserted."""
