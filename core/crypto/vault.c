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

// ---- a new key ---------------------------------------------------------------------------------

static enum err write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = write(fd, bytes.at, bytes.len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return ERR_IO;
        bytes = span_make(bytes.at + sent, bytes.len - (size_t)sent);
    }
    return fsync(fd) == 0 ? OK : ERR_IO;
}

// The old file is there until the new one is on the disk.
static enum err replace_file(const char *path, const char *fresh, struct span text)
{
    struct stat st;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = OK;
    if (stat(path, &st) == 0 && st.st_uid != geteuid() && fchown(fd, st.st_uid, st.st_gid) != 0)
        err = ERR_DENIED;
    if (err == OK)
        err = write_all(fd, text);
    close(fd);
    if (err == OK && rename(fresh, path) != 0)
        err = err_from_errno(errno);
    if (err != OK)
        (void)unlink(fresh);
    return err;
}

static void append_keys(const struct vault *vault, struct buf *text)
{
    uint8_t key[KEY_LEN];
    rand_bytes(key, sizeof key);
    (void)codec_to_base64(text, span_make(key, sizeof key));
    (void)buf_append_char(text, '\n');
    for (size_t i = 0; vault != NULL && i < vault->count; i++) {
        (void)codec_to_base64(text, span_make(vault->keys[i].bytes, KEY_LEN));
        (void)buf_append_char(text, '\n');
    }
    mem_wipe(key, sizeof key);
}

enum err vault_add_key(const char *path, struct errmsg *message)
{
    struct vault *vault = NULL;
    struct buf text;
    struct buf fresh;
    enum err err = vault_load(&vault, path, message);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (vault != NULL && vault->count == VAULT_MAX_KEYS) {
        errmsg_set(message, "%s holds %d keys, as many as it may: take the last lines away", path,
                   VAULT_MAX_KEYS);
        vault_free(vault);
        return ERR_FULL;
    }
    buf_init(&text, FILE_MAX);
    CHECK(buf_reserve(&text, FILE_MAX) != NULL); // so that growing leaves no copies
    buf_init(&fresh, FILE_MAX);
    (void)buf_append_format(&fresh, "%s.new", path);
    append_keys(vault, &text);
    err = replace_file(path, buf_text(&fresh), buf_span(&text));
    if (err != OK)
        errmsg_set(message, "cannot write %s: %s", buf_text(&fresh), err_text(err));
    mem_wipe(text.at, text.capacity);
    buf_deinit(&text);
    buf_deinit(&fresh);
    vault_free(vault);
    return err;
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
