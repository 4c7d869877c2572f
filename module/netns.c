// SPDX-License-Identifier: GPL-2.0
/*
 * netns.c - the life of a network namespace as Rill sees it.
 *
 * Owns creation and end of struct rill_net, and the cookie keys.  User sockets
 * pin their namespace, so when it ends there are none; what is left are carrier
 * sockets and tombstones, which hold no reference.
 */
#include <linux/random.h>
#include <linux/seqlock.h>
#include "sock.h"
#include "carrier.h"

unsigned int rill_net_id;

/*
 * Copy keys of @rn, fresh ones first when it is time: a key makes cookies, or
 * tokens, for as long as @life and checks them for as long again.
 */
static void rill_net_keys(struct rill_net *rn, struct rill_secrets *s, u64 life, u64 now,
			  struct rill_secrets *copy)
{
	siphash_key_t key;
	unsigned int seq;

	do {
		seq = read_seqbegin(&rn->secrets_lock);
		*copy = *s;
	} while (read_seqretry(&rn->secrets_lock, seq));
	if (likely(!rill_secrets_stale(copy, life, now)))
		return;

	get_random_bytes(&key, sizeof(key));
	write_seqlock_bh(&rn->secrets_lock);
	if (rill_secrets_stale(s, life, now))
		rill_secrets_rotate(s, &key, now);
	*copy = *s;
	write_sequnlock_bh(&rn->secrets_lock);
	memzero_explicit(&key, sizeof(key));
}

void rill_net_secrets(struct rill_net *rn, u64 now, struct rill_secrets *copy)
{
	rill_net_keys(rn, &rn->secrets, RILL_SECRET_LIFE, now, copy);
}

void rill_net_tokens(struct rill_net *rn, u64 now, struct rill_secrets *copy)
{
	rill_net_keys(rn, &rn->tokens, RILL_TOKEN_KEY_LIFE, now, copy);
}

static void rill_net_defaults(struct rill_net *rn)
{
	rn->udp_port = RILL_UDP_PORT;
	/* The defaults of TCP (tcp_init()), whatever this machine made of them. */
	rn->rmem[0] = PAGE_SIZE;
	rn->rmem[1] = 131072;
	rn->rmem[2] = max(6 << 20, 131072);
	rn->wmem[0] = PAGE_SIZE;
	rn->wmem[1] = 16 * 1024;
	rn->wmem[2] = 4 << 20;
	rn->max_tombs = 262144;
	rn->max_orphans = 65536;
	rn->fastopen = RILL_FASTOPEN_CLIENT | RILL_FASTOPEN_SERVER;
	rn->cc = rill_cc_nth(0);
}

static int __net_init rill_net_init(struct net *net)
{
	struct rill_net *rn = rill_pernet(net);
	int err;

	rn->net = net;
	rill_net_defaults(rn);
	mutex_init(&rn->udp_mutex);
	seqlock_init(&rn->secrets_lock);
	get_random_bytes(&rn->port_key, sizeof(rn->port_key));
	get_random_bytes(&rn->id_key, sizeof(rn->id_key));
	rill_tombs_init(rn);

	rn->mib = alloc_percpu(struct rill_mib_cpu);
	if (!rn->mib)
		return -ENOMEM;
	err = rill_sysctl_init(rn);
	if (err)
		goto free_mib;
	err = rill_proc_init(net);
	if (err)
		goto free_sysctl;
	return 0;

free_sysctl:
	rill_sysctl_exit(rn);
free_mib:
	free_percpu(rn->mib);
	return err;
}

/* First of all, so that a grace period lies between this and the exits. */
static void __net_exit rill_net_pre_exit(struct net *net)
{
	rill_udp_unpublish(rill_pernet(net));
}

static void __net_exit rill_net_exit(struct net *net)
{
	struct rill_net *rn = rill_pernet(net);

	rill_proc_exit(net);
	rill_sysctl_exit(rn);
	rill_udp_release(rn);
	rill_tombs_exit(rn);
	rill_fast_exit(rn);
	memzero_explicit(&rn->secrets, sizeof(rn->secrets));
	memzero_explicit(&rn->tokens, sizeof(rn->tokens));
	memzero_explicit(&rn->id_key, sizeof(rn->id_key));
	free_percpu(rn->mib);
}

static struct pernet_operations rill_net_ops = {
	.init = rill_net_init,
	.pre_exit = rill_net_pre_exit,
	.exit = rill_net_exit,
	.id = &rill_net_id,
	.size = sizeof(struct rill_net),
};

int rill_netns_register(void)
{
	return register_pernet_subsys(&rill_net_ops);
}

void rill_netns_unregister(void)
{
	unregister_pernet_subsys(&rill_net_ops);
}
