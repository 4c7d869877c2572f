// SPDX-License-Identifier: GPL-2.0
/*
 * proto.c - the kernel's view of our kinds of sockets, and their memory.
 *
 * Owns a struct proto for each kind, and net.rill.mem's account, which they share.
 */
#include <linux/module.h>
#include "sock.h"

static unsigned long rill_memory_pressure;
static atomic_long_t rill_memory_allocated;
static DEFINE_PER_CPU(int, rill_memory_per_cpu_fw_alloc);
static struct percpu_counter rill_sockets_allocated;

/* What a socket may have under memory pressure; buffers are net.rill.?mem. */
static int rill_min_bufs[1] = { PAGE_SIZE };

static void rill_enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(rill_memory_pressure, 1);
}

static void rill_leave_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(rill_memory_pressure, 0);
}

#define RILL_PROTO					\
	.owner = THIS_MODULE,				\
	.obj_size = sizeof(struct rill_sock),		\
	.enter_memory_pressure = rill_enter_memory_pressure,	\
	.leave_memory_pressure = rill_leave_memory_pressure,	\
	.memory_pressure = &rill_memory_pressure,	\
	.memory_allocated = &rill_memory_allocated,	\
	.per_cpu_fw_alloc = &rill_memory_per_cpu_fw_alloc,	\
	.sockets_allocated = &rill_sockets_allocated,	\
	.sysctl_mem = rill_sysctl_mem,			\
	.sysctl_wmem = rill_min_bufs,			\
	.sysctl_rmem = rill_min_bufs,			\
	.no_autobind = true

struct proto rill_prot = {
	.name = "RILL",
	RILL_PROTO,
	.init = rill_init_sock,
	.close = rill_close,
	.get_port = rill_get_port,
	.put_port = rill_port_put,
	.unhash = rill_unhash,
	.keepalive = rill_set_keepalive,
	.release_cb = rill_release_cb,
	.stream_memory_free = rill_stream_memory_free,
	.backlog_rcv = rill_backlog_rcv,
};

struct proto rill_dgram_prot = {
	.name = "RILLD",
	RILL_PROTO,
	.init = rill_dgram_init,
	.close = rill_dgram_close,
	.get_port = rill_dgram_get_port,
	.put_port = rill_dgram_put_port,
	.unhash = rill_dgram_unhash,
	.backlog_rcv = rill_dgram_backlog_rcv,
};

/* Copies for AF_INET6. */
struct proto rill6_prot, rill6_dgram_prot;

static struct proto *const rill_protos[] = {
	&rill_prot, &rill6_prot, &rill_dgram_prot, &rill6_dgram_prot,
};

/* What IPv6 keeps of a socket ends the object: inet6_create() looks there. */
static void rill_proto_copy6(struct proto *p6, const struct proto *p, const char *name)
{
	BUILD_BUG_ON(offsetofend(struct rill6_sock, np) != sizeof(struct rill6_sock));
	*p6 = *p;
	strscpy(p6->name, name, sizeof(p6->name));
	p6->obj_size = sizeof(struct rill6_sock);
	rill_set_pinfo_offset(p6, offsetof(struct rill6_sock, np));
}

static void rill_protos_unregister_last(int n)
{
	while (n--)
		proto_unregister(rill_protos[n]);
	percpu_counter_destroy(&rill_sockets_allocated);
}

int rill_protos_register(void)
{
	int i, err = percpu_counter_init(&rill_sockets_allocated, 0, GFP_KERNEL);

	if (err)
		return err;
	rill_proto_copy6(&rill6_prot, &rill_prot, "RILLv6");
	rill_proto_copy6(&rill6_dgram_prot, &rill_dgram_prot, "RILLDv6");
	for (i = 0; i < ARRAY_SIZE(rill_protos); i++) {
		err = proto_register(rill_protos[i], 1);
		if (err) {
			rill_protos_unregister_last(i);
			return err;
		}
	}
	return 0;
}

/* After the last socket is gone for good, grace periods included. */
void rill_protos_unregister(void)
{
	rill_protos_unregister_last(ARRAY_SIZE(rill_protos));
}
