// SPDX-License-Identifier: MIT
// What differs between two configurations, for a reload; main only.
#include "config/config_build.h"

static bool lists_eq(const struct span *a, size_t a_count, const struct span *b, size_t b_count)
{
    bool is_equal = a_count == b_count;
    for (size_t i = 0; is_equal && i < a_count; i++)
        is_equal = span_eq(a[i], b[i]);
    return is_equal;
}

static bool uids_eq(const struct config *a, const struct config *b)
{
    if ((a->ingest_uids == NULL) != (b->ingest_uids == NULL))
        return false;
    bool is_equal = a->ingest_uid_count == b->ingest_uid_count;
    if (a->ingest_uids == NULL)
        return true;
    for (size_t i = 0; is_equal && i < a->ingest_uid_count; i++) {
        const struct config_uid *x = &a->ingest_uids[i];
        const struct config_uid *y = &b->ingest_uids[i];
        is_equal = x->uid == y->uid && x->is_any_tenant == y->is_any_tenant &&
                   lists_eq(x->tenants, x->tenant_count, y->tenants, y->tenant_count);
    }
    return is_equal;
}

static bool env_eq(const struct config_env *a, const struct config_env *b)
{
    bool is_equal = span_eq(a->tenant, b->tenant) && a->value_count == b->value_count;
    for (size_t i = 0; is_equal && i < a->value_count; i++)
        is_equal = span_eq(a->values[i].name, b->values[i].name) &&
                   span_eq(a->values[i].value, b->values[i].value);
    return is_equal;
}

static bool tables_eq(const struct config *a, const struct config *b, size_t option)
{
    if (option == CONFIG_OPTION_ingest_uids)
        return uids_eq(a, b);
    CHECK(option == CONFIG_OPTION_hook_env);
    bool is_equal = a->hook_env_count == b->hook_env_count;
    for (size_t i = 0; is_equal && i < a->hook_env_count; i++)
        is_equal = env_eq(&a->hook_env[i], &b->hook_env[i]);
    return is_equal;
}

static bool option_eq(const struct config *a, const struct config *b, size_t option)
{
    const char *at = (const char *)a + config_rows[option].offset;
    const char *bt = (const char *)b + config_rows[option].offset;
    switch (config_rows[option].kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_CHOICE: {
        const char *x = NULL;
        const char *y = NULL;
        memcpy(&x, at, sizeof x);
        memcpy(&y, bt, sizeof y);
        return strcmp(x, y) == 0;
    }
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE: return memcmp(at, bt, sizeof(int64_t)) == 0;
    case CONFIG_LIST: {
        struct config_list x = {0};
        struct config_list y = {0};
        memcpy(&x, at, sizeof x);
        memcpy(&y, bt, sizeof y);
        return lists_eq(x.items, x.count, y.items, y.count);
    }
    case CONFIG_TABLE: break;
    }
    return tables_eq(a, b, option);
}

void config_compare(const struct config *old, const struct config *fresh,
                    void (*on_change)(void *context, const char *name, bool takes_effect),
                    void *context)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (!option_eq(old, fresh, i))
            on_change(context, config_rows[i].name, !config_options[i].is_fixed);
    }
}
