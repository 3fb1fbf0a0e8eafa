// SPDX-License-Identifier: MIT
// Names and versions of scripts: what is active, what is held because webhooks pin it; main only.
#include "script/library.h"

#include <stdio.h>

#include "base/mem.h"
#include "crypto/mac.h"
#include "json/json.h"

#define MAX_NAME 64 // bytes of a script's name

struct library {
    struct library_place *places; // owned array, sorted; see compare
    size_t count, room;
    struct map by_number; // number → version; all that are referenced
    uint32_t next_number;
    uint32_t generation;
    struct library_version **held; // owned array of references, the newest last
    size_t held_count;
};

// ---- versions ----

struct library *library_new(void)
{
    struct library *library = xcalloc(1, sizeof(*library));
    map_init(&library->by_number);
    library->generation = 1;
    return library;
}

struct library_version *library_ref(struct library_version *version)
{
    version->refs++;
    return version;
}

void library_unref(struct library_version *version)
{
    if (version == NULL || --version->refs > 0)
        return;
    if (version->library != NULL)
        (void)map_remove(&version->library->by_number, version->number);
    xfree(version->name);
    xfree(version->tenant);
    xfree(version->source);
    xfree(version->description);
    xfree(version->help_text);
    xfree(version);
}

void library_free(struct library *library)
{
    if (library == NULL)
        return;
    for (size_t i = 0; i < library->count; i++) {
        library_unref(library->places[i].active);
        xfree(library->places[i].by);
    }
    for (size_t i = 0; i < library->held_count; i++)
        library_unref(library->held[i]);
    CHECK(library->by_number.count == 0);
    xfree(library->places);
    xfree(library->held);
    map_deinit(&library->by_number);
    xfree(library);
}

void library_hash(struct span source, char out[LIBRARY_HASH_LEN + 1])
{
    uint8_t digest[MAC_MAX_LEN];
    mac_digest(MAC_SHA256, source, digest);
    for (size_t i = 0; i < LIBRARY_HASH_LEN / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool library_is_name(struct span name)
{
    if (name.len == 0 || name.len > MAX_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0))
            return false;
    }
    return true;
}

static bool read_description(struct library_version *version)
{
    struct json_doc doc;
    struct json_error error;
    bool is_good = false;
    json_init(&doc);
    struct span text = span_of(version->description);
    if (json_parse(&doc, text, JSON_MAX_DEPTH, &error) == OK && json_type(&doc, 0) == JSON_OBJECT) {
        uint32_t help = json_get(&doc, 0, SPAN("help"));
        uint32_t options = json_get(&doc, 0, SPAN("options"));
        is_good = options != JSON_NONE && json_type(&doc, options) == JSON_ARRAY;
        if (is_good)
            version->options = json_raw(&doc, options);
        if (is_good && help != JSON_NONE && json_type(&doc, help) == JSON_STRING) {
            version->help_text = xmalloc(json_inside(&doc, help).len + 1);
            version->help =
                span_make(version->help_text, json_decode_string(&doc, help, version->help_text));
        }
    }
    json_deinit(&doc);
    return is_good;
}

struct library_version *library_make(struct library *library, const struct library_source *from)
{
    struct library_version *fresh = xcalloc(1, sizeof(*fresh));
    fresh->refs = 1;
    fresh->library = library;
    fresh->name = xmemdup0(from->place.name.at, from->place.name.len);
    fresh->tenant =
        xmemdup0(from->place.tenant.len > 0 ? from->place.tenant.at : "", from->place.tenant.len);
    fresh->origin = from->place.origin;
    fresh->source = xmemdup0(from->source.at, from->source.len);
    fresh->len = from->source.len;
    fresh->functions = from->functions;
    fresh->description = xmemdup0(from->description.at, from->description.len);
    library_hash(from->source, fresh->hash);
    fresh->number = ++library->next_number;
    (void)map_set(&library->by_number, fresh->number, fresh);
    if (read_description(fresh))
        return fresh;
    library_unref(fresh);
    return NULL;
}

// ---- finding ----

static int compare(const struct library_version *version, const struct script_place *place)
{
    int order = span_cmp(span_of(version->name), place->name);
    if (order == 0)
        order = span_cmp(span_of(version->tenant), place->tenant);
    return order != 0 ? order : (int)version->origin - (int)place->origin;
}

// Where a place is, or would be.
static size_t index_of(const struct library *library, const struct script_place *place,
                       bool *is_there)
{
    size_t low = 0;
    size_t high = library->count;
    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(library->places[middle].active, place);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct library_place *library_place(const struct library *library, const struct script_place *place)
{
    bool is_there = false;
    size_t at = index_of(library, place, &is_there);
    return is_there ? &library->places[at] : NULL;
}

static bool fits_pin(const struct library_version *version, struct span pin)
{
    return pin.len == 0 || (pin.len >= LIBRARY_MIN_PIN && pin.len <= LIBRARY_HASH_LEN &&
                            span_starts_with(span_make(version->hash, LIBRARY_HASH_LEN), pin));
}

static bool is_at(const struct library_version *version, const struct script_place *place)
{
    return version->origin == place->origin && span_is(place->name, version->name) &&
           span_is(place->tenant, version->tenant);
}

// Active at a place, once the stage is done; NULL: nothing.
static struct library_version *active_at(const struct library *library,
                                         const struct library_stage *stage,
                                         const struct script_place *place)
{
    for (size_t i = 0; stage != NULL && i < stage->version_count; i++)
        if (is_at(stage->versions[i], place))
            return stage->versions[i];
    const struct library_place *have = library_place(library, place);
    for (size_t i = 0; have != NULL && stage != NULL && i < stage->place_count; i++)
        if (is_at(have->active, &stage->places[i]))
            return NULL;
    return have != NULL ? have->active : NULL;
}

// May this tenant use it?
static bool is_visible(const struct library_version *version, struct span tenant)
{
    return version->origin != SCRIPT_STORED || span_is(tenant, version->tenant);
}

struct library_version *library_find_staged(const struct library *library,
                                            const struct library_stage *stage, struct span tenant,
                                            struct span name, struct span pin)
{
    const struct script_place places[] = {
        {.origin = SCRIPT_STORED, .tenant = tenant, .name = name},
        {.origin = SCRIPT_DIR, .tenant = SPAN(""), .name = name},
        {.origin = SCRIPT_BUILTIN, .tenant = SPAN(""), .name = name},
    };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct library_version *version = active_at(library, stage, &places[i]);
        if (version != NULL && fits_pin(version, pin))
            return version;
    }
    for (size_t i = library->held_count; pin.len > 0 && i > 0; i--) {
        struct library_version *version = library->held[i - 1];
        if (span_is(name, version->name) && is_visible(version, tenant) && fits_pin(version, pin))
            return version;
    }
    return NULL;
}

struct library_version *library_find(const struct library *library, struct span tenant,
                                     struct span name, struct span pin)
{
    return library_find_staged(library, NULL, tenant, name, pin);
}

struct library_version *library_by_number(const struct library *library, uint32_t number)
{
    return map_get(&library->by_number, number);
}

uint32_t library_generation(const struct library *library)
{
    return library->generation;
}

size_t library_count(const struct library *library)
{
    return library->count;
}

const struct library_place *library_at(const struct library *library, size_t index)
{
    CHECK(index < library->count);
    return &library->places[index];
}

// ---- changing ----

void library_hold(struct library *library, struct library_version *version)
{
    for (size_t i = 0; i < library->held_count; i++)
        if (library->held[i] == version)
            return;
    library->held =
        xrealloc(library->held, (library->held_count + 1) * sizeof(struct library_version *));
    library->held[library->held_count++] = library_ref(version);
    library->generation++;
}

void library_drop(struct library *library,
                  bool (*is_wanted)(void *context, const struct library_version *version),
                  void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < library->held_count; i++) {
        struct library_version *version = library->held[i];
        if (is_wanted(context, version))
            library->held[kept++] = version;
        else
            library_unref(version);
    }
    if (kept < library->held_count)
        library->generation++;
    library->held_count = kept;
}

static struct library_place *make_room(struct library *library, size_t at)
{
    if (library->count == library->room) {
        library->room = library->room > 0 ? library->room * 2 : 64;
        library->places = xrealloc(library->places, library->room * sizeof(*library->places));
    }
    memmove(library->places + at + 1, library->places + at,
            (library->count - at) * sizeof(*library->places));
    library->count++;
    library->places[at] = (struct library_place){.active = NULL};
    return &library->places[at];
}

void library_activate(struct library *library, struct library_version *version, const char *seen,
                      struct span by, int64_t at_ms)
{
    const struct script_place place = {.origin = version->origin,
                                       .tenant = span_of(version->tenant),
                                       .name = span_of(version->name)};
    bool is_there = false;
    size_t at = index_of(library, &place, &is_there);
    struct library_place *slot = is_there ? &library->places[at] : make_room(library, at);
    struct library_version *old = slot->active;
    slot->active = library_ref(version);
    xfree(slot->by);
    slot->by = xmemdup0(by.len > 0 ? by.at : "", by.len);
    slot->at_ms = at_ms;
    slot->is_stale = false;
    if (seen != NULL)
        (void)snprintf(slot->seen, sizeof slot->seen, "%s", seen);
    if (old != NULL && old != version)
        library_hold(library, old);
    library_unref(old);
    library->generation++;
}

void library_give_up(struct library *library, const struct script_place *place)
{
    bool is_there = false;
    size_t at = index_of(library, place, &is_there);
    if (!is_there)
        return;
    library_hold(library, library->places[at].active);
    library_unref(library->places[at].active);
    xfree(library->places[at].by);
    library->count--;
    memmove(library->places + at, library->places + at + 1,
            (library->count - at) * sizeof(*library->places));
    library->generation++;
}
