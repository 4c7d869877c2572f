/* SPDX-License-Identifier: GPL-2.0 */
/* list.h - circular doubly linked lists, by Linux's names. */
#ifndef RILL_SHIM_LIST_H
#define RILL_SHIM_LIST_H

#include <linux/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member) list_entry((h)->prev, type, member)
#define list_next_entry(e, member) \
	list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_prev_entry(e, member) \
	list_entry((e)->member.prev, __typeof__(*(e)), member)

#define list_for_each_entry(e, h, member)				\
	for (e = list_first_entry(h, __typeof__(*e), member);		\
	     &e->member != (h);						\
	     e = list_next_entry(e, member))

#define list_for_each_entry_safe(e, n, h, member)			\
	for (e = list_first_entry(h, __typeof__(*e), member),		\
	     n = list_next_entry(e, member);				\
	     &e->member != (h);						\
	     e = n, n = list_next_entry(n, member))

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline bool list_is_last(const struct list_head *e, const struct list_head *h)
{
	return e->next == h;
}

static inline void list_add_tail(struct list_head *e, struct list_head *h)
{
	e->next = h;
	e->prev = h->prev;
	h->prev->next = e;
	h->prev = e;
}

/* A removed entry points nowhere: whoever follows it is caught. */
static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	e->prev->next = e->next;
	e->next = e->prev = NULL;
}

static inline void list_del_init(struct list_head *e)
{
	list_del(e);
	INIT_LIST_HEAD(e);
}

static inline void list_move_tail(struct list_head *e, struct list_head *h)
{
	list_del(e);
	list_add_tail(e, h);
}

/* All of @from goes to the end of @to. */
static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	INIT_LIST_HEAD(from);
}

#endif /* RILL_SHIM_LIST_H */
