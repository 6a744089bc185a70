# SPDX-License-Identifier: GPL-2.0-only
"""Many calls of scx_augur, one row of a table each: `augur-sweep`, and scripts/sweep.py in a checkout.

main      the program                              options   the command line, and how a sweep is written
plan      a sweep's file, read into units          unit      one of them: a call, and its row
local     units on this machine                    cluster   units on a Ray cluster
journal   the rows so far, to go on with           table     all of them, in a Parquet file
"""
