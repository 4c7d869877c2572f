/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of rill run: run.c starts the program under a filter, supervise.c
 * answers the filter's questions, target.c makes a socket as if the asking
 * process had made it.
 */
#ifndef RILL_TOOLS_RUN_H
#define RILL_TOOLS_RUN_H

#include <stdbool.h>
#include <sys/types.h>

struct run_opts {
	bool verbose;
	bool v4, v6;		/* which of the program's families go over Rill */
};

/* What a program asked socket() for. */
struct sock_request {
	int domain;
	int type;		/* with its flags */
	int protocol;
};

void supervise(const struct run_opts *o, int listener) __attribute__((noreturn));

/* The supervisor's own namespace, against which a target's is compared. */
struct target_home {
	int netns;
	dev_t dev;
	ino_t ino;
};

void target_home_open(struct target_home *home);
int target_socket(const struct target_home *home, int taskdir, const struct sock_request *req);

#endif
