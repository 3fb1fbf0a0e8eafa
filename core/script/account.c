// SPDX-License-Identifier: MIT
// What scripts used and how they failed, in bounded tables; main only.
#include "script/account.h"

#include "base/mem.h"

struct account_row {
    uint32_t version;
    struct account account;
};
struct account_rows {
    uint32_t count;
    struct account_row rows[];
};

// ---- one account ----

const char *account_failure_name(enum account_failure failure)
{
    static const char *const names[ACCOUNT_FAILURES] = {"error", "timeout", "memory", "killed"};
    CHECK((unsigned)failure < ACCOUNT_FAILURES);
    return names[failure];
}

uint64_t account_failures(const struct account *account)
{
    uint64_t sum = 0;
    for (int i = 0; i < ACCOUNT_FAILURES; i++)
        sum += account->failures[i];
    return sum;
}

void account_add(struct account *account, const struct account_visit *visit)
{
    account->calls++;
    account->cpu_us += visit->cpu_us;
    if (visit->memory_bytes > account->memory_bytes)
        account->memory_bytes = visit->memory_bytes;
    switch (visit->result) {
    case SCRIPT_DONE:
    case SCRIPT_FILTERED: break;
    case SCRIPT_ERROR: account->failures[ACCOUNT_ERROR]++; break;
    case SCRIPT_TIMEOUT: account->failures[ACCOUNT_TIMEOUT]++; break;
    case SCRIPT_MEMORY: account->failures[ACCOUNT_MEMORY]++; break;
    case SCRIPT_KILLED: account->failures[ACCOUNT_KILLED]++; break;
    }
}

// ---- all of them ----

void account_init(struct accounts *accounts)
{
    map_init(&accounts->webhooks);
    strmap_init(&accounts->names);
}

void account_deinit(struct accounts *accounts)
{
    size_t at = 0;
    uint64_t number = 0;
    struct span name;
    void *value = NULL;
    while (map_next(&accounts->webhooks, &at, &number, &value))
        xfree(value);
    for (at = 0; strmap_next(&accounts->names, &at, &name, &value);)
        xfree(value);
    map_deinit(&accounts->webhooks);
    strmap_deinit(&accounts->names);
}

static struct account *find(const struct accounts *accounts, uint32_t webhook, uint32_t version)
{
    struct account_rows *rows = map_get(&accounts->webhooks, webhook);
    for (uint32_t i = 0; rows != NULL && i < rows->count; i++)
        if (rows->rows[i].version == version)
            return &rows->rows[i].account;
    return NULL;
}

void account_use(struct accounts *accounts, uint32_t webhook, const uint32_t *versions,
                 uint32_t count)
{
    CHECK(count <= FRAME_MAX_SCRIPTS);
    struct account_rows *fresh =
        count == 0 ? NULL : xcalloc(1, sizeof(*fresh) + count * sizeof(fresh->rows[0]));
    for (uint32_t i = 0; i < count; i++) {
        bool is_twice = versions[i] == 0;
        for (uint32_t j = 0; j < i; j++)
            is_twice = is_twice || versions[j] == versions[i];
        if (is_twice)
            continue;
        const struct account *have = find(accounts, webhook, versions[i]);
        struct account_row *row = &fresh->rows[fresh->count++];
        row->version = versions[i];
        if (have != NULL)
            row->account = *have;
    }
    xfree(fresh == NULL ? map_remove(&accounts->webhooks, webhook)
                        : map_set(&accounts->webhooks, webhook, fresh));
}

const struct account *account_of_webhook(const struct accounts *accounts, uint32_t webhook,
                                         uint32_t version)
{
    return find(accounts, webhook, version);
}

static struct account *of_name(struct accounts *accounts, struct span name)
{
    struct account *account = strmap_get(&accounts->names, name);
    if (account == NULL && accounts->names.count >= ACCOUNT_MAX_NAMES) {
        name = SPAN(ACCOUNT_STORED); // one more than the maximum
        account = strmap_get(&accounts->names, name);
    }
    if (account != NULL)
        return account;
    account = xcalloc(1, sizeof(*account));
    (void)strmap_set(&accounts->names, name, account);
    return account;
}

void account_note(struct accounts *accounts, uint32_t webhook, uint32_t version, struct span name,
                  const struct account_visit *visit)
{
    struct account *row = find(accounts, webhook, version);
    if (row != NULL)
        account_add(row, visit);
    account_add(of_name(accounts, name), visit);
}

const struct account *account_next_name(const struct accounts *accounts, size_t *at,
                                        struct span *name)
{
    void *value = NULL;
    return strmap_next(&accounts->names, at, name, &value) ? value : NULL;
}
