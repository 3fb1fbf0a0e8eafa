// SPDX-License-Identifier: MIT
// Intrusive doubly linked lists; one thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

// A node in at most one list; zero or self-linked when in none.
struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

// A list borrows its nodes; the owner of the containing object frees it.
struct list {
    struct list_node head;
};

static inline void list_init(struct list *list)
{
    list->head.next = list->head.prev = &list->head;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_is_linked(const struct list_node *node)
{
    return node->next != NULL && node->next != node;
}

static inline void list_insert_before(struct list_node *where, struct list_node *node)
{
    DCHECK(!list_is_linked(node));
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
    list_insert_before(&list->head, node);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
    list_insert_before(list->head.next, node);
}

// Fine for a node in no list.
static inline void list_remove(struct list_node *node)
{
    if (!list_is_linked(node) || node->prev == NULL) // both or none
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

static inline struct list_node *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->head.next;
}

// Takes the first node out; NULL when empty.
static inline struct list_node *list_pop(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node != NULL)
        list_remove(node);
    return node;
}

// Moves all nodes of `from` to the end of `to`.
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    list_init(from);
}

// `node` is a struct list_node *; the body may not remove it.
#define LIST_FOREACH(node, list) \
    for (struct list_node *node = (list)->head.next; node != &(list)->head; node = node->next)
// The body may remove the node.
#define LIST_FOREACH_SAFE(node, list)                                           \
    for (struct list_node *node = (list)->head.next, *node##_next = node->next; \
         node != &(list)->head; node = node##_next, node##_next = node->next)
