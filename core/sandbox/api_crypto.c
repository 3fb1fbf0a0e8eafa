// SPDX-License-Identifier: MIT
// The module grapnel.crypto. Script host only.
#include <lauxlib.h>

#include "base/mem.h"
#include "base/uid.h"
#include "crypto/codec.h"
#include "sandbox/bind_inside.h"

#define SEED_LEN 32

static enum mac_algorithm check_algorithm(lua_State *L, int index)
{
    enum mac_algorithm algorithm;
    struct span name = bind_check_span(L, index);
    if (!mac_algorithm_parse(name, &algorithm))
        luaL_argerror(L, index, "one of sha256, sha512, sha1, md5 expected");
    return algorithm;
}

// ---- HMAC keys ----

static bool is_key(const struct bind_key *key, enum mac_algorithm algorithm, struct span bytes)
{
    return key->mac && key->algorithm == algorithm &&
           span_eq(span_make(key->bytes, key->len), bytes);
}

// The one with these bytes; else in place of the one that was not used for longest.
static struct bind_key *find_key(struct bind *bind, enum mac_algorithm algorithm, struct span bytes)
{
    struct bind_key *oldest = &bind->keys[0];
    for (size_t i = 0; i < BIND_KEYS; i++) {
        struct bind_key *key = &bind->keys[i];
        if (is_key(key, algorithm, bytes))
            return key;
        if (key->used < oldest->used)
            oldest = key;
    }
    mac_key_free(oldest->mac);
    if (oldest->bytes)
        mem_wipe(oldest->bytes, oldest->len);
    xfree(oldest->bytes);
    oldest->mac = mac_key_new(algorithm, bytes);
    oldest->algorithm = algorithm;
    oldest->bytes = xmemdup0(bytes.at, bytes.len);
    oldest->len = bytes.len;
    return oldest;
}

static int crypto_hmac(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    enum mac_algorithm algorithm = check_algorithm(L, 1);
    struct span bytes = bind_check_span(L, 2);
    struct span text = bind_check_span(L, 3);
    uint8_t out[MAC_MAX_LEN];
    if (bytes.len > BIND_KEY_MAX) {
        struct mac_key *once = mac_key_new(algorithm, bytes);
        mac_hmac(once, text, out);
        mac_key_free(once);
    } else {
        struct bind_key *key = find_key(bind, algorithm, bytes);
        key->used = ++bind->uses;
        mac_hmac(key->mac, text, out);
    }
    lua_pushlstring(L, (const char *)out, mac_len(algorithm));
    return 1;
}

static int crypto_digest(lua_State *L)
{
    enum mac_algorithm algorithm = check_algorithm(L, 1);
    struct span text = bind_check_span(L, 2);
    uint8_t out[MAC_MAX_LEN];
    mac_digest(algorithm, text, out);
    lua_pushlstring(L, (const char *)out, mac_len(algorithm));
    return 1;
}

static int crypto_ed25519_sign(lua_State *L)
{
    struct span seed = bind_check_span(L, 1);
    struct span text = bind_check_span(L, 2);
    luaL_argcheck(L, seed.len == SEED_LEN, 1, "a seed of 32 bytes expected");
    uint8_t out[64];
    if (mac_ed25519_sign(seed, text, out))
        return luaL_error(L, "ed25519_sign: the seed is not usable");
    lua_pushlstring(L, (const char *)out, sizeof(out));
    return 1;
}

// ---- text ----

static int encode(lua_State *L, enum err (*codec)(struct buf *, struct span))
{
    struct bind *bind = bind_upvalue(L);
    struct span bytes = bind_check_span(L, 1);
    buf_clear(&bind->scratch);
    if (codec(&bind->scratch, bytes))
        return luaL_error(L, "too long a string");
    return bind_push_scratch(L, bind);
}

static int decode(lua_State *L, enum err (*codec)(struct buf *, struct span), const char *problem)
{
    struct bind *bind = bind_upvalue(L);
    struct span text = bind_check_span(L, 1);
    buf_clear(&bind->scratch);
    if (codec(&bind->scratch, text))
        return bind_fail(L, problem);
    return bind_push_scratch(L, bind);
}

static int crypto_hex(lua_State *L)
{
    return encode(L, codec_to_hex);
}

static int crypto_base64(lua_State *L)
{
    return encode(L, codec_to_base64);
}

static int crypto_base64url(lua_State *L)
{
    return encode(L, codec_to_base64url);
}

static int crypto_from_hex(lua_State *L)
{
    return decode(L, codec_from_hex, "not hexadecimal text");
}

static int crypto_from_base64(lua_State *L)
{
    return decode(L, codec_from_base64, "not base64 text");
}

static int crypto_from_base64url(lua_State *L)
{
    return decode(L, codec_from_base64url, "not base64url text");
}

// ---- UUIDs ----

// RFC 9562, appendix A.1: they differ in one byte.
static bool namespace_parse(struct span text, struct uid *out)
{
    static const struct {
        const char *name;
        uint8_t byte;
    } known[] = {{"dns", 0x10}, {"url", 0x11}, {"oid", 0x12}, {"x500", 0x14}};
    static const struct uid base = {{0x6b, 0xa7, 0xb8, 0, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00,
                                     0xc0, 0x4f, 0xd4, 0x30, 0xc8}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (span_is(text, known[i].name)) {
            *out = base;
            out->bytes[3] = known[i].byte;
            return true;
        }
    }
    return uid_parse(text, out);
}

static int crypto_uuid5(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    struct span space = bind_check_span(L, 1);
    struct span name = bind_check_span(L, 2);
    struct uid uid;
    luaL_argcheck(L, namespace_parse(space, &uid), 1, "a UUID or dns, url, oid, x500 expected");
    buf_clear(&bind->scratch);
    buf_append(&bind->scratch, uid.bytes, sizeof(uid.bytes));
    if (buf_append_span(&bind->scratch, name))
        return luaL_error(L, "too long a name");
    uint8_t digest[MAC_MAX_LEN];
    mac_digest(MAC_SHA1, buf_span(&bind->scratch), digest);
    memcpy(uid.bytes, digest, sizeof(uid.bytes));
    uid.bytes[6] = (uint8_t)((uid.bytes[6] & 0x0f) | 0x50);
    uid.bytes[8] = (uint8_t)((uid.bytes[8] & 0x3f) | 0x80);
    char text[UID_TEXT_LEN + 1];
    uid_print(&uid, text);
    lua_pushstring(L, text);
    return 1;
}

int api_crypto_open(lua_State *L)
{
    // clang-format off
    static const struct luaL_Reg functions[] = {
        {"hmac", crypto_hmac},
        {"digest", crypto_digest},
        {"ed25519_sign", crypto_ed25519_sign},
        {"hex", crypto_hex},
        {"base64", crypto_base64},
        {"base64url", crypto_base64url},
        {"from_hex", crypto_from_hex},
        {"from_base64", crypto_from_base64},
        {"from_base64url", crypto_from_base64url},
        {"uuid5", crypto_uuid5},
        {NULL, NULL},
    };
    // clang-format on
    luaL_newlibtable(L, functions);        // crypto
    lua_pushvalue(L, lua_upvalueindex(1)); // crypto bind
    luaL_setfuncs(L, functions, 1);        // crypto
    return 1;
}
