/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing: on the host there is one kernel, kernel.c, and common.bpf.h has all of it. */
