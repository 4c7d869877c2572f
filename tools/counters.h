/* SPDX-License-Identifier: GPL-2.0 */
/* What rill stat --counters prints; see counters.c. */
#ifndef RILL_TOOLS_COUNTERS_H
#define RILL_TOOLS_COUNTERS_H

#include <stdbool.h>

void counters_show(bool json, bool zeros, bool deltas);

#endif
