// SPDX-License-Identifier: MIT
// AES-256-GCM with the keys of a file, by OpenSSL; any thread once it is loaded.
#include "crypto/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/codec.h"
#include "crypto/mac.h"

#define KEY_LEN   32
#define NONCE_LEN 12
#define TAG_LEN   16
#define FILE_MAX  4096

struct vault_key {
    uint8_t bytes[KEY_LEN];
    int64_t id;
};

struct vault {
    struct vault_key keys[VAULT_MAX_KEYS];
    size_t count;
    EVP_CIPHER *cipher; // owned
};

// ---- the file ----------------------------------------------------------------------------------

// systemd leaves credentials as root:root 0440, with an access list for the service's user.
static bool is_private(const struct stat *st)
{
    bool is_owned = st->st_uid == 0 || st->st_uid == geteuid();
    bool is_credential = st->st_uid == 0 && st->st_gid == 0 && (st->st_mode & 0037) == 0;
    return is_owned && ((st->st_mode & 0077) == 0 || is_credential);
}

static enum err read_file(const char *path, char *text, size_t *len, struct errmsg *message)
{
    struct stat st;
    enum err err = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        err = err_from_errno(errno);
        errmsg_set(message,
                   "secrets_key_file %s cannot be read: %s; without it stored secrets "
                   "cannot be decrypted",
                   path, strerrordesc_np(errno));
        return err;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errmsg_set(message, "secrets_key_file %s is no file", path);
        err = ERR_DENIED;
    } else if (!is_private(&st)) {
        errmsg_set(message,
                   "secrets_key_file %s must belong to this user or root, and nobody else "
                   "may have rights to it: chmod 0400",
                   path);
        err = ERR_DENIED;
    } else {
        ssize_t got = read(fd, text, FILE_MAX);
        err = got < 0 ? ERR_IO : OK;
        *len = got < 0 ? 0 : (size_t)got;
        if (err != OK)
            errmsg_set(message, "secrets_key_file %s cannot be read", path);
    }
    close(fd);
    return err;
}

static void set_id(struct vault_key *key)
{
    uint8_t digest[MAC_MAX_LEN];
    uint64_t id = 0;
    mac_digest(MAC_SHA256, span_make(key->bytes, KEY_LEN), digest);
    memcpy(&id, digest, sizeof id);
    key->id = (int64_t)((id & INT64_MAX) | 1);
    mem_wipe(digest, sizeof digest);
}

static enum err add_key(struct vault *vault, struct span line)
{
    struct buf bytes;
    line = span_trim(line);
    if (line.len == 0)
        return OK;
    if (vault->count == VAULT_MAX_KEYS)
        return ERR_FULL;
    buf_init(&bytes, FILE_MAX);
    CHECK(buf_reserve(&bytes, FILE_MAX) != NULL); // so that growing leaves no copies
    enum err err = codec_from_base64(&bytes, line);
    if (err == OK && bytes.len != KEY_LEN)
        err = ERR_SYNTAX;
    if (err == OK) {
        struct vault_key *key = &vault->keys[vault->count++];
        memcpy(key->bytes, bytes.at, KEY_LEN);
        set_id(key);
    }
    mem_wipe(bytes.at, bytes.capacity);
    buf_deinit(&bytes);
    return err;
}

static enum err read_keys(struct vault *vault, const char *path, struct span text,
                          struct errmsg *message)
{
    struct span line;
    size_t number = 0;
    while (span_split(&text, '\n', &line)) {
        number++;
        enum err err = add_key(vault, line);
        if (err == OK)
            continue;
        errmsg_set(message,
                   "secrets_key_file %s:%zu: a key is base64 of 32 bytes, one a line, at "
                   "most %d: head -c 32 /dev/urandom | base64",
                   path, number, VAULT_MAX_KEYS);
        return ERR_SYNTAX;
    }
    if (vault->count > 0)
        return OK;
    errmsg_set(message, "secrets_key_file %s holds no key", path);
    return ERR_SYNTAX;
}

enum err vault_load(struct vault **out, const char *path, struct errmsg *message)
{
    char text[FILE_MAX];
    size_t len = 0;
    enum err err = read_file(path, text, &len, message);
    if (err != OK)
        return err;
    struct vault *vault = xcalloc(1, sizeof *vault);
    vault->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    CHECK(vault->cipher != NULL);
    err = read_keys(vault, path, span_make(text, len), message);
    mem_wipe(text, sizeof text);
    if (err == OK)
        *out = vault;
    else
        vault_free(vault);
    return err;
}

void vault_free(struct vault *vault)
{
    if (vault == NULL)
        return;
    EVP_CIPHER_free(vault->cipher);
    mem_wipe(vault->keys, sizeof vault->keys);
    xfree(vault);
}

// ---- use ---------------------------------------------------------------------------------------

static const struct vault_key *find(const struct vault *vault, int64_t key_id)
{
    for (size_t i = 0; i < vault->count; i++) {
        if (vault->keys[i].id == key_id)
            return &vault->keys[i];
    }
    return NULL;
}

int64_t vault_key_id(const struct vault *vault)
{
    return vault->keys[0].id;
}

bool vault_has_key(const struct vault *vault, int64_t key_id)
{
    return find(vault, key_id) != NULL;
}

static const unsigned char *bytes_of(struct span s)
{
    return (const unsigned char *)(s.at != NULL ? s.at : "");
}

void vault_seal(const struct vault *vault, struct span place, struct span plain, struct buf *out)
{
    uint8_t nonce[NONCE_LEN];
    int len = 0;
    CHECK(plain.len <= INT32_MAX && place.len <= INT32_MAX);
    unsigned char *at = (unsigned char *)buf_reserve(out, plain.len + VAULT_OVERHEAD);
    CHECK(at != NULL);
    rand_bytes(nonce, sizeof nonce);
    memcpy(at, nonce, NONCE_LEN);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    CHECK(c != NULL);
    CHECK(EVP_EncryptInit_ex2(c, vault->cipher, vault->keys[0].bytes, nonce, NULL) == 1);
    CHECK(EVP_EncryptUpdate(c, NULL, &len, bytes_of(place), (int)place.len) == 1);
    CHECK(EVP_EncryptUpdate(c, at + NONCE_LEN, &len, bytes_of(plain), (int)plain.len) == 1);
    CHECK(EVP_EncryptFinal_ex(c, at + NONCE_LEN + plain.len, &len) == 1 && len == 0);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, at + NONCE_LEN + plain.len) == 1);
    EVP_CIPHER_CTX_free(c); // wipes
    buf_commit(out, plain.len + VAULT_OVERHEAD);
}

enum err vault_open(const struct vault *vault, int64_t key_id, struct span place,
                    struct span sealed, struct buf *out)
{
    const struct vault_key *key = find(vault, key_id);
    uint8_t tag[TAG_LEN];
    int len = 0;
    if (key == NULL)
        return ERR_NOT_FOUND;
    if (sealed.len < VAULT_OVERHEAD || sealed.len > INT32_MAX)
        return ERR_CORRUPT;
    size_t plain_len = sealed.len - VAULT_OVERHEAD;
    const unsigned char *from = bytes_of(sealed);
    unsigned char *at = (unsigned char *)buf_reserve(out, plain_len);
    if (at == NULL)
        return ERR_FULL;
    memcpy(tag, from + NONCE_LEN + plain_len, TAG_LEN);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    CHECK(c != NULL);
    CHECK(EVP_DecryptInit_ex2(c, vault->cipher, key->bytes, from, NULL) == 1);
    CHECK(EVP_DecryptUpdate(c, NULL, &len, bytes_of(place), (int)place.len) == 1);
    CHECK(EVP_DecryptUpdate(c, at, &len, from + NONCE_LEN, (int)plain_len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1);
    bool is_good = EVP_DecryptFinal_ex(c, at + plain_len, &len) == 1;
    EVP_CIPHER_CTX_free(c); // wipes
    ERR_clear_error();
    if (is_good)
        buf_commit(out, plain_len);
    else
        mem_wipe(at, plain_len);
    return is_good ? OK : ERR_CORRUPT;
}
