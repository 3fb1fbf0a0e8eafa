// SPDX-License-Identifier: MIT
// What we need to know of TLS connections that another library makes: whom to trust, which version;
// one thread at a time for each store.
//
// libcurl parses its certificates anew for each multi handle, and keeps as many copies. A store is
// loaded once per thread and lent to all connections.
#pragma once

#include "base/err.h"

struct tls_store;

// `ca_file`: PEM; NULL: SSL_CERT_FILE or the system's bundle. Reads the disk. ERR_NOT_FOUND,
// ERR_SYNTAX: `message` names the file; a system without a bundle gives an empty store, which
// trusts nobody.
MUST_CHECK enum err tls_store_new(struct tls_store **out, const char *ca_file,
                                  struct errmsg *message);
void tls_store_free(struct tls_store *store); // NULL is fine
// Certificates in it.
size_t tls_store_count(const struct tls_store *store);
// Makes OpenSSL's SSL_CTX at `ssl_ctx` trust the store, which it then holds too.
void tls_store_lend(struct tls_store *store, void *ssl_ctx);

// "TLSv1.3" of OpenSSL's SSL at `ssl`; static.
const char *tls_version(const void *ssl);
