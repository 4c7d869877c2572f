/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors over a socketpair, with an int beside each; see fdpass.c. */
#ifndef RILL_TOOLS_FDPASS_H
#define RILL_TOOLS_FDPASS_H

int fd_send(int sock, int fd, int value);
int fd_recv(int sock, int *value);

#endif
