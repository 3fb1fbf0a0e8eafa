// SPDX-License-Identifier: MIT
// Letting go of what a query gave; whoever holds it.
#include "store/query.h"

void query_events_deinit(struct query_events *page)
{
    for (size_t i = 0; i < page->count; i++)
        event_unref(page->rows[i]);
    *page = (struct query_events){0};
}

void query_delivery_deinit(struct query_delivery *row)
{
    event_unref(row->event);
    *row = (struct query_delivery){0};
}

void query_deliveries_deinit(struct query_deliveries *page)
{
    for (size_t i = 0; i < page->count; i++)
        query_delivery_deinit(&page->rows[i]);
    *page = (struct query_deliveries){0};
}
