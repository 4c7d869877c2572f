// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - loading and unloading, in order.
 *
 * Owns the order alone.  The way out is the way in, backwards: first nobody can
 * make a socket, then the namespaces let go of carriers and tombstones, then
 * grace periods pass, then what sockets were made of goes.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/workqueue.h>
#include "sock.h"

struct workqueue_struct *rill_wq;
struct kmem_cache *rill_rec_cache;

module_param_named(family, rill_family, int, 0444);
MODULE_PARM_DESC(family, "address family number; 0: 18, or 19 or 22 when that is taken");

/* net.rill.mem as tcp_mem: a quarter less than an eighth of memory, and so on. */
static void __init rill_init_mem(void)
{
	unsigned long limit = max(nr_free_buffer_pages() / 16, 128UL);

	rill_sysctl_mem[0] = limit / 4 * 3;
	rill_sysctl_mem[1] = limit;
	rill_sysctl_mem[2] = rill_sysctl_mem[0] * 2;
}

static int __init rill_init(void)
{
	int err = -ENOMEM;

	rill_init_mem();
	rill_wq = alloc_workqueue("rill", WQ_UNBOUND, 0);
	if (!rill_wq)
		return err;
	rill_rec_cache = KMEM_CACHE(rill_rec, SLAB_ACCOUNT);
	if (!rill_rec_cache)
		goto free_wq;
	err = rill_lookup_init();
	if (err)
		goto free_rec;
	err = rill_ports_init();
	if (err)
		goto free_lookup;
	err = rill_dgram_table_init();
	if (err)
		goto free_ports;
	err = rill_netns_register();
	if (err)
		goto free_dgram;
	err = rill_protos_register();
	if (err)
		goto free_netns;
	err = rill_doors_open();
	if (err)
		goto free_protos;
	pr_info("rill: address family %d\n", rill_family);
	return 0;

free_protos:
	rill_protos_unregister();
free_netns:
	rill_netns_unregister();
free_dgram:
	rill_dgram_table_exit();
free_ports:
	rill_ports_exit();
free_lookup:
	rill_lookup_exit();
free_rec:
	kmem_cache_destroy(rill_rec_cache);
free_wq:
	destroy_workqueue(rill_wq);
	return err;
}

static void __exit rill_exit(void)
{
	rill_doors_close();
	rill_netns_unregister();
	synchronize_rcu();
	rcu_barrier();		/* sockets and tombstones freed by RCU */
	rill_protos_unregister();
	rill_dgram_table_exit();
	rill_ports_exit();
	rill_lookup_exit();
	kmem_cache_destroy(rill_rec_cache);
	destroy_workqueue(rill_wq);
}

module_init(rill_init);
module_exit(rill_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Rill founders");
MODULE_DESCRIPTION("Rill: a reliable transport with its own address family");
MODULE_VERSION("0.1.0");
