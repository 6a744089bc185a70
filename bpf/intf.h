/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __INTF_H
#define __INTF_H
enum augur_consts { AUGUR_MAX_CPUS = 512 };
#endif
