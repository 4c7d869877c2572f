/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RILL_SHIM_STRING_H
#define RILL_SHIM_STRING_H

#include <string.h>

#endif /* RILL_SHIM_STRING_H */
