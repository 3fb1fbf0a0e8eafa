// SPDX-License-Identifier: MIT
// Trusted certificates and TLS versions, by OpenSSL; one thread at a time for each store.
#include "crypto/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct tls_store {
    X509_STORE *x509; // owned: one reference
};

// Where distributions keep the bundle.
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

static const char *find_bundle(void)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment after start
    const char *file = getenv("SSL_CERT_FILE");
    if (file != NULL && file[0] != '\0')
        return file;
    for (size_t i = 0; i < COUNT_OF(bundles); i++) {
        if (access(bundles[i], R_OK) == 0)
            return bundles[i];
    }
    return NULL;
}

enum err tls_store_new(struct tls_store **out, const char *ca_file, struct errmsg *message)
{
    const char *file = ca_file != NULL ? ca_file : find_bundle();
    if (file != NULL && access(file, R_OK) != 0) {
        errmsg_set(message, "%s: the file of trusted certificates cannot be read", file);
        return ERR_NOT_FOUND;
    }
    X509_STORE *x509 = X509_STORE_new();
    CHECK(x509 != NULL);
    if (file != NULL && X509_STORE_load_file(x509, file) != 1) {
        errmsg_set(message, "%s: holds no certificates in PEM", file);
        X509_STORE_free(x509);
        return ERR_SYNTAX;
    }
    struct tls_store *store = xcalloc(1, sizeof *store);
    store->x509 = x509;
    *out = store;
    return OK;
}

void tls_store_free(struct tls_store *store)
{
    if (store == NULL)
        return;
    X509_STORE_free(store->x509);
    xfree(store);
}

size_t tls_store_count(const struct tls_store *store)
{
    int count = sk_X509_OBJECT_num(X509_STORE_get0_objects(store->x509));
    return count > 0 ? (size_t)count : 0;
}

void tls_store_lend(struct tls_store *store, void *ssl_ctx)
{
    SSL_CTX_set1_cert_store(ssl_ctx, store->x509);
}

const char *tls_version(const void *ssl)
{
    return SSL_get_version(ssl);
}
