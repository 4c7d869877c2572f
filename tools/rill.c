// SPDX-License-Identifier: GPL-2.0
/*
 * rill: the one program of the tools.  This file owns the list of subcommands
 * and picks one; each lives in the file of its name (listen and connect share
 * cat.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *full;	/* what its messages start with */
	const char *what;
} commands[] = {
	{ "run", cmd_run, "rill run", "run a program with its TCP sockets over Rill" },
	{ "stat", cmd_stat, "rill stat", "show sockets and counters" },
	{ "listen", cmd_listen, "rill listen", "wait for a connection and join it to stdin and stdout" },
	{ "connect", cmd_connect, "rill connect", "connect and join it to stdin and stdout" },
	{ "ping", cmd_ping, "rill ping", "time the handshake with a listener" },
	{ "perf", cmd_perf, "rill perf", "measure throughput, round trips and connections" },
};

static void print_help(void)
{
	puts("Usage: rill COMMAND [ARGUMENT...]\n\nCommands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].what);
	puts("\n'rill COMMAND --help' tells more; rill(8) and rill(7) tell all.");
}

int main(int argc, char **argv)
{
	int ret;

	if (argc < 2)
		usage("no command given; 'rill --help' lists them");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		print_help();
		finish_stdout();
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		cmd_name = commands[i].full;
		ret = commands[i].run(argc - 1, argv + 1);
		finish_stdout();
		return ret;
	}
	usage("unknown command '%s'; 'rill --help' lists them", argv[1]);
}
