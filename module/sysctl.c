// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl.c - net.rill.*: few knobs, each with a range.
 *
 * Owns the table of a namespace.  net.rill.mem limits all namespaces together,
 * as net.ipv4.tcp_mem does, and is writable in the first one alone.
 */
#include <linux/slab.h>
#include <linux/sysctl.h>
#include "sock.h"

long rill_sysctl_mem[3];

static int rill_one = 1;
static int rill_max_port = 65535;
static int rill_min_buf = 4096;
static int rill_max_buf = INT_MAX / 4;

/* The name of the default congestion control; unknown names: ENOENT, as TCP. */
static int rill_proc_cc(RILL_CTL_TABLE *ctl, int write, void *buffer, size_t *lenp,
			loff_t *ppos)
{
	struct rill_net *rn = ctl->extra1;
	char name[RILL_CC_NAME_MAX];
	struct ctl_table t = { .data = name, .maxlen = sizeof(name) };
	const struct rill_cc_ops *ops;
	int err;

	strscpy(name, READ_ONCE(rn->cc)->name, sizeof(name));
	err = proc_dostring(&t, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	ops = rill_cc_find(name);
	if (!ops)
		return -ENOENT;
	WRITE_ONCE(rn->cc, ops);
	return 0;
}

static const struct ctl_table rill_table[] = {
	{
		/* UDP port that listens, and that connect() sends to; read when
		 * the first listener of the namespace comes. */
		.procname = "udp_port",
		.data = (void *)offsetof(struct rill_net, udp_port),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = &rill_one,
		.extra2 = &rill_max_port,
	}, {
		.procname = "rmem",
		.data = (void *)offsetof(struct rill_net, rmem),
		.maxlen = 3 * sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = &rill_min_buf,
		.extra2 = &rill_max_buf,
	}, {
		.procname = "wmem",
		.data = (void *)offsetof(struct rill_net, wmem),
		.maxlen = 3 * sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = &rill_min_buf,
		.extra2 = &rill_max_buf,
	}, {
		.procname = "max_tombstones",
		.data = (void *)offsetof(struct rill_net, max_tombs),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = SYSCTL_ZERO,
	}, {
		.procname = "max_orphans",
		.data = (void *)offsetof(struct rill_net, max_orphans),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = SYSCTL_ZERO,
	}, {
		/* may do fast open: 1 as client, 2 as server */
		.procname = "fastopen",
		.data = (void *)offsetof(struct rill_net, fastopen),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_THREE,
	}, {
		.procname = "congestion_control",
		.maxlen = RILL_CC_NAME_MAX,
		.mode = 0644,
		.proc_handler = rill_proc_cc,
	}, {
		/* pages: low, pressure, high; all namespaces */
		.procname = "mem",
		.data = rill_sysctl_mem,
		.maxlen = sizeof(rill_sysctl_mem),
		.mode = 0644,
		.proc_handler = proc_doulongvec_minmax,
	},
	{ }
};

#define RILL_TABLE_CC	6
#define RILL_TABLE_MEM	7

int rill_sysctl_init(struct rill_net *rn)
{
	struct ctl_table *t = kmemdup(rill_table, sizeof(rill_table), GFP_KERNEL);
	int i;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < RILL_TABLE_CC; i++)
		t[i].data = (char *)rn + (unsigned long)t[i].data;
	t[RILL_TABLE_CC].extra1 = rn;
	if (!net_eq(rn->net, &init_net))
		t[RILL_TABLE_MEM].mode = 0444;
	rn->sysctl = register_net_sysctl_sz(rn->net, "net/rill", t, ARRAY_SIZE(rill_table) - 1);
	if (!rn->sysctl) {
		kfree(t);
		return -ENOMEM;
	}
	return 0;
}

void rill_sysctl_exit(struct rill_net *rn)
{
	const struct ctl_table *t = rn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(rn->sysctl);
	kfree(t);
}
