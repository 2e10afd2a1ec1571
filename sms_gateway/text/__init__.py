# SPDX-License-Identifier: Apache-2.0
"""What is inside an SMS: alphabets, user data headers, segments.  Pure."""
