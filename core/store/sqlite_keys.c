// SPDX-License-Identifier: MIT
// Idempotency keys: a hash table of the newest, sorted runs with Bloom filters of the others; store
// thread.
#include "store/sqlite_keys.h"

#include <endian.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pack.h"
#include "crypto/mac.h"

#define HASH_LEN      16
#define ENTRY_LEN     24 // in a chunk: hash, seq little endian
#define CHUNK_ENTRIES 80 // so that a chunk needs no overflow page
#define BLOOM_BLOCK   64 // bytes: one cache line holds all bits of a key
#define BLOOM_PROBES  6
#define BLOOM_KEYS    32 // per block: 16 bits each, about 1 in 1000 wrong
#define SLOTS_START   256
#define TAIL_MAX      (16u << 20)

struct sqlite_keys_run {
    uint64_t run;
    int64_t newest_ms;  // accepted
    uint8_t *bloom;     // owned
    size_t bloom_bytes; // multiple of BLOOM_BLOCK
};

struct sqlite_keys_change {
    uint8_t hash[HASH_LEN];
    uint64_t before; // seq; 0: was not there
    uint64_t seq;
    int64_t accepted_ms;
};

void sqlite_keys_hash(struct span tenant, struct span key, uint8_t out[HASH_LEN])
{
    char text[1 + 255 + 255]; // both are bounded by the wire; longer ones are cut alike
    uint8_t digest[MAC_MAX_LEN];
    size_t a = tenant.len < 255 ? tenant.len : 255;
    size_t b = key.len < 255 ? key.len : 255;
    text[0] = (char)a;
    if (a > 0)
        memcpy(text + 1, tenant.at, a);
    if (b > 0)
        memcpy(text + 1 + a, key.at, b);
    mac_digest(MAC_SHA256, span_make(text, 1 + a + b), digest);
    memcpy(out, digest, HASH_LEN);
}

// ---- the newest: open addressing, linear probing, backward shift -------------------------------

static uint64_t hash_word(const uint8_t hash[HASH_LEN], size_t i)
{
    uint64_t word = 0;
    memcpy(&word, hash + i * sizeof word, sizeof word);
    return word;
}

static size_t slot_of(const struct sqlite_keys *keys, const uint8_t hash[HASH_LEN])
{
    size_t i = hash_word(hash, 0) & (keys->capacity - 1);
    while (keys->slots[i].seq != 0 && memcmp(keys->slots[i].hash, hash, HASH_LEN) != 0)
        i = (i + 1) & (keys->capacity - 1);
    return i;
}

static void grow(struct sqlite_keys *keys)
{
    struct sqlite_keys_entry *old = keys->slots;
    size_t old_capacity = keys->capacity;
    keys->capacity = old_capacity > 0 ? old_capacity * 2 : SLOTS_START;
    keys->slots = xcalloc(keys->capacity, sizeof *keys->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].seq != 0)
            keys->slots[slot_of(keys, old[i].hash)] = old[i];
    }
    xfree(old);
}

static uint64_t get(const struct sqlite_keys *keys, const uint8_t hash[HASH_LEN])
{
    return keys->capacity > 0 ? keys->slots[slot_of(keys, hash)].seq : 0;
}

static void set(struct sqlite_keys *keys, const uint8_t hash[HASH_LEN], uint64_t seq)
{
    if (keys->count * 3 >= keys->capacity * 2)
        grow(keys);
    struct sqlite_keys_entry *slot = &keys->slots[slot_of(keys, hash)];
    if (slot->seq == 0)
        keys->count++;
    memcpy(slot->hash, hash, HASH_LEN);
    slot->seq = seq;
}

static void clear(struct sqlite_keys *keys, const uint8_t hash[HASH_LEN])
{
    size_t mask = keys->capacity - 1;
    size_t hole = slot_of(keys, hash);
    if (keys->slots[hole].seq == 0)
        return;
    keys->count--;
    for (size_t i = (hole + 1) & mask; keys->slots[i].seq != 0; i = (i + 1) & mask) {
        size_t home = hash_word(keys->slots[i].hash, 0) & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; // it may not move before its home
        keys->slots[hole] = keys->slots[i];
        hole = i;
    }
    keys->slots[hole] = (struct sqlite_keys_entry){0};
}

static void remember(struct sqlite_keys *keys, const struct sqlite_keys_change *change)
{
    if (keys->count == 0 || change->accepted_ms < keys->oldest_ms)
        keys->oldest_ms = change->accepted_ms;
    if (keys->count == 0 || change->accepted_ms > keys->newest_ms)
        keys->newest_ms = change->accepted_ms;
    set(keys, change->hash, change->seq);
}

void sqlite_keys_add(struct sqlite_keys *keys, const uint8_t hash[HASH_LEN], uint64_t seq,
                     int64_t accepted_ms)
{
    CHECK(seq != 0);
    struct sqlite_keys_change change = {
        .before = get(keys, hash), .seq = seq, .accepted_ms = accepted_ms};
    memcpy(change.hash, hash, HASH_LEN);
    if (keys->change_count == keys->change_capacity) {
        keys->change_capacity = keys->change_capacity > 0 ? keys->change_capacity * 2 : 64;
        keys->changes = xrealloc(keys->changes, keys->change_capacity * sizeof *keys->changes);
    }
    keys->changes[keys->change_count++] = change;
    remember(keys, &change);
}

enum err sqlite_keys_write_tail(struct sqlite_keys *keys, struct sqlite_db *db)
{
    struct buf record;

    if (keys->change_count == 0)
        return OK;
    buf_init(&record, TAIL_MAX);
    for (size_t i = 0; i < keys->change_count; i++) {
        pack_raw(&record, keys->changes[i].hash, HASH_LEN);
        pack_uint(&record, keys->changes[i].seq);
        pack_int(&record, keys->changes[i].accepted_ms);
    }
    CHECK(!record.is_full);
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_KEY_TAIL_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)(keys->txn + 1));
    sqlite_db_bind_blob(statement, 2, buf_span(&record));
    enum err err = sqlite_db_run(db, SQL_KEY_TAIL_INSERT);
    buf_deinit(&record);
    return err;
}

void sqlite_keys_committed(struct sqlite_keys *keys)
{
    if (keys->change_count > 0)
        keys->txn++;
    keys->change_count = 0;
}

void sqlite_keys_rolled_back(struct sqlite_keys *keys)
{
    while (keys->change_count > 0) {
        const struct sqlite_keys_change *change = &keys->changes[--keys->change_count];
        if (change->before == 0)
            clear(keys, change->hash);
        else
            set(keys, change->hash, change->before);
    }
}

// ---- runs ---------------------------------------------------------------------------------------

static uint8_t *bloom_block(const struct sqlite_keys_run *run, const uint8_t hash[HASH_LEN])
{
    uint64_t blocks = run->bloom_bytes / BLOOM_BLOCK;
    return run->bloom + (hash_word(hash, 0) % blocks) * BLOOM_BLOCK;
}

static void bloom_add(struct sqlite_keys_run *run, const uint8_t hash[HASH_LEN])
{
    uint8_t *block = bloom_block(run, hash);
    uint64_t bits = hash_word(hash, 1);
    for (int i = 0; i < BLOOM_PROBES; i++, bits >>= 9)
        block[(bits & 511) / 8] |= (uint8_t)(1u << (bits & 7));
}

static bool bloom_has(const struct sqlite_keys_run *run, const uint8_t hash[HASH_LEN])
{
    const uint8_t *block = bloom_block(run, hash);
    uint64_t bits = hash_word(hash, 1);
    for (int i = 0; i < BLOOM_PROBES; i++, bits >>= 9) {
        if (!(block[(bits & 511) / 8] >> (bits & 7) & 1))
            return false;
    }
    return true;
}

static uint64_t chunk_find(struct span chunk, const uint8_t hash[HASH_LEN])
{
    size_t low = 0;
    size_t high = chunk.len / ENTRY_LEN;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *entry = chunk.at + middle * ENTRY_LEN;
        int order = memcmp(entry, hash, HASH_LEN);
        if (order == 0) {
            uint64_t seq = 0;
            memcpy(&seq, entry + HASH_LEN, sizeof seq);
            return le64toh(seq);
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static enum err run_find(struct sqlite_db *db, const struct sqlite_keys_run *run,
                         const uint8_t hash[HASH_LEN], uint64_t *seq)
{
    *seq = 0;
    if (!bloom_has(run, hash))
        return OK;
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_KEY_CHUNK_GET);
    sqlite_db_bind(statement, 1, (int64_t)run->run);
    sqlite_db_bind_blob(statement, 2, span_make(hash, HASH_LEN));
    enum err err = sqlite_db_row(db, SQL_KEY_CHUNK_GET);
    if (err == ERR_NOT_FOUND)
        return OK;
    if (err == OK) {
        *seq = chunk_find(sqlite_db_blob(db, SQL_KEY_CHUNK_GET, 0), hash);
        sqlite_db_reset(db, SQL_KEY_CHUNK_GET);
    }
    return err;
}

enum err sqlite_keys_find(struct sqlite_keys *keys, struct sqlite_db *db,
                          const uint8_t hash[HASH_LEN], size_t *at, uint64_t *seq)
{
    if (*at == 0) {
        *at = 1;
        *seq = get(keys, hash);
        if (*seq != 0)
            return OK;
    }
    while (*at <= keys->run_count) {
        enum err err = run_find(db, &keys->runs[keys->run_count - *at], hash, seq);
        ++*at;
        if (err != OK || *seq != 0)
            return err;
    }
    return ERR_NOT_FOUND;
}

bool sqlite_keys_is_due(const struct sqlite_keys *keys, int64_t now_ms, int64_t window_ms)
{
    return keys->count >= SQLITE_KEYS_ENTRIES ||
           (keys->count > 0 && now_ms - keys->oldest_ms > window_ms) ||
           (keys->run_count > 0 && now_ms - keys->runs[0].newest_ms > window_ms);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, HASH_LEN);
}

static enum err write_chunk(struct sqlite_db *db, uint64_t run,
                            const struct sqlite_keys_entry *entries, size_t count)
{
    char chunk[CHUNK_ENTRIES * ENTRY_LEN];
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = htole64(entries[i].seq);
        memcpy(chunk + i * ENTRY_LEN, entries[i].hash, HASH_LEN);
        memcpy(chunk + i * ENTRY_LEN + HASH_LEN, &seq, sizeof seq);
    }
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_KEY_CHUNK_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)run);
    sqlite_db_bind_blob(statement, 2, span_make(entries[0].hash, HASH_LEN));
    sqlite_db_bind_blob(statement, 3, span_make(chunk, count * ENTRY_LEN));
    return sqlite_db_run(db, SQL_KEY_CHUNK_INSERT);
}

static void run_free(struct sqlite_keys_run *run)
{
    if (run == NULL)
        return;
    xfree(run->bloom);
    xfree(run);
}

// The run of all that is in memory, into the file and into keys->fresh.
static enum err write_run(struct sqlite_keys *keys, struct sqlite_db *db)
{
    size_t count = 0;
    enum err err = OK;
    struct sqlite_keys_entry *entries = xcalloc(keys->count, sizeof *entries);
    struct sqlite_keys_run *run = xcalloc(1, sizeof *run);
    run->run = keys->last_run + 1;
    run->newest_ms = keys->newest_ms;
    run->bloom_bytes = (keys->count / BLOOM_KEYS + 1) * BLOOM_BLOCK;
    run->bloom = xcalloc(run->bloom_bytes, 1);
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->slots[i].seq == 0)
            continue;
        entries[count++] = keys->slots[i];
        bloom_add(run, keys->slots[i].hash);
    }
    qsort(entries, count, sizeof *entries, by_hash);
    for (size_t i = 0; i < count && err == OK; i += CHUNK_ENTRIES)
        err = write_chunk(db, run->run, entries + i,
                          count - i < CHUNK_ENTRIES ? count - i : CHUNK_ENTRIES);
    xfree(entries);
    if (err == OK) {
        sqlite3_stmt *statement = sqlite_db_use(db, SQL_KEY_RUN_INSERT);
        sqlite_db_bind(statement, 1, (int64_t)run->run);
        sqlite_db_bind(statement, 2, run->newest_ms);
        sqlite_db_bind_blob(statement, 3, span_make(run->bloom, run->bloom_bytes));
        err = sqlite_db_run(db, SQL_KEY_RUN_INSERT);
    }
    keys->fresh = run;
    return err;
}

static enum err drop_run(struct sqlite_db *db, uint64_t run)
{
    sqlite_db_bind(sqlite_db_use(db, SQL_KEY_CHUNKS_DELETE), 1, (int64_t)run);
    enum err err = sqlite_db_run(db, SQL_KEY_CHUNKS_DELETE);
    if (err != OK)
        return err;
    sqlite_db_bind(sqlite_db_use(db, SQL_KEY_RUN_DELETE), 1, (int64_t)run);
    return sqlite_db_run(db, SQL_KEY_RUN_DELETE);
}

enum err sqlite_keys_flush(struct sqlite_keys *keys, struct sqlite_db *db, int64_t now_ms,
                           int64_t window_ms)
{
    CHECK(keys->fresh == NULL && keys->change_count == 0);
    keys->dropped = 0;
    while (keys->dropped < keys->run_count &&
           now_ms - keys->runs[keys->dropped].newest_ms > window_ms) {
        enum err err = drop_run(db, keys->runs[keys->dropped].run);
        if (err != OK)
            return err;
        keys->dropped++;
    }
    if (keys->count == 0 ||
        (keys->count < SQLITE_KEYS_ENTRIES && now_ms - keys->oldest_ms <= window_ms))
        return OK;
    enum err err = OK;
    // Where all of it is too old there is nothing to keep.
    if (now_ms - keys->newest_ms <= window_ms)
        err = write_run(keys, db);
    if (err != OK)
        return err;
    sqlite_db_bind(sqlite_db_use(db, SQL_KEY_TAIL_DELETE), 1, (int64_t)keys->txn);
    err = sqlite_db_run(db, SQL_KEY_TAIL_DELETE);
    keys->is_emptied = err == OK;
    return err;
}

static void add_run(struct sqlite_keys *keys, struct sqlite_keys_run *run)
{
    if (keys->run_count == keys->run_capacity) {
        keys->run_capacity = keys->run_capacity > 0 ? keys->run_capacity * 2 : 16;
        keys->runs = xrealloc(keys->runs, keys->run_capacity * sizeof *keys->runs);
    }
    keys->runs[keys->run_count++] = *run;
    keys->last_run = run->run;
    xfree(run);
}

void sqlite_keys_flushed(struct sqlite_keys *keys, bool is_committed)
{
    if (is_committed) {
        for (size_t i = 0; i < keys->dropped; i++)
            xfree(keys->runs[i].bloom);
        keys->run_count -= keys->dropped;
        if (keys->dropped > 0)
            memmove(keys->runs, keys->runs + keys->dropped, keys->run_count * sizeof *keys->runs);
        if (keys->fresh != NULL)
            add_run(keys, keys->fresh);
        if (keys->is_emptied) {
            xfree(keys->slots);
            keys->slots = NULL;
            keys->count = keys->capacity = 0;
        }
    } else {
        run_free(keys->fresh);
    }
    keys->fresh = NULL;
    keys->is_emptied = false;
    keys->dropped = 0;
}

uint64_t sqlite_keys_bytes(const struct sqlite_keys *keys)
{
    uint64_t bytes = keys->capacity * sizeof *keys->slots;
    for (size_t i = 0; i < keys->run_count; i++)
        bytes += keys->runs[i].bloom_bytes;
    return bytes;
}

// ---- life ---------------------------------------------------------------------------------------

static enum err load_runs(struct sqlite_keys *keys, struct sqlite_db *db)
{
    enum err err = OK;
    sqlite_db_use(db, SQL_KEY_RUNS);
    while ((err = sqlite_db_next(db, SQL_KEY_RUNS)) == OK) {
        struct span bloom = sqlite_db_blob(db, SQL_KEY_RUNS, 2);
        if (bloom.len == 0 || bloom.len % BLOOM_BLOCK != 0) {
            sqlite_db_reset(db, SQL_KEY_RUNS);
            return ERR_CORRUPT;
        }
        struct sqlite_keys_run *run = xcalloc(1, sizeof *run);
        run->run = (uint64_t)sqlite_db_int(db, SQL_KEY_RUNS, 0);
        run->newest_ms = sqlite_db_int(db, SQL_KEY_RUNS, 1);
        run->bloom_bytes = bloom.len;
        run->bloom = xmalloc(bloom.len);
        memcpy(run->bloom, bloom.at, bloom.len);
        add_run(keys, run);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static bool take_tail(struct sqlite_keys *keys, struct span record)
{
    struct unpack u;
    unpack_init(&u, record);
    while (u.rest.len > 0 && !u.is_bad) {
        struct sqlite_keys_change change = {0};
        unpack_raw(&u, change.hash, HASH_LEN);
        change.seq = unpack_uint(&u);
        change.accepted_ms = unpack_int(&u);
        if (u.is_bad || change.seq == 0)
            return false;
        remember(keys, &change);
    }
    return !u.is_bad;
}

enum err sqlite_keys_load(struct sqlite_keys *keys, struct sqlite_db *db)
{
    *keys = (struct sqlite_keys){0};
    enum err err = load_runs(keys, db);
    if (err != OK)
        return err;
    sqlite_db_use(db, SQL_KEY_TAIL);
    while ((err = sqlite_db_next(db, SQL_KEY_TAIL)) == OK) {
        keys->txn = (uint64_t)sqlite_db_int(db, SQL_KEY_TAIL, 0);
        if (!take_tail(keys, sqlite_db_blob(db, SQL_KEY_TAIL, 1))) {
            sqlite_db_reset(db, SQL_KEY_TAIL);
            return ERR_CORRUPT;
        }
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

void sqlite_keys_deinit(struct sqlite_keys *keys)
{
    for (size_t i = 0; i < keys->run_count; i++)
        xfree(keys->runs[i].bloom);
    run_free(keys->fresh);
    xfree(keys->runs);
    xfree(keys->slots);
    xfree(keys->changes);
    *keys = (struct sqlite_keys){0};
}
