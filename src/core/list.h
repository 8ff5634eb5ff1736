/* SPDX-License-Identifier: MIT
 *
 * list: an intrusive doubly linked list; a node that is linked nowhere points to itself.
 */
#ifndef AGNI_CORE_LIST_H
#define AGNI_CORE_LIST_H

#include "core/base.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Safe on a node that is linked nowhere. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The body may remove `it`, and nothing else. */
#define list_for_each(it, head)                                                                    \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)

#endif
