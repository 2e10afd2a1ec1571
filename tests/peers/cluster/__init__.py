# SPDX-License-Identifier: Apache-2.0
"""Three nodes on one PostgreSQL and one S3 server: a load that notes what it was promised, and a checker."""
