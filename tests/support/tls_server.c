// SPDX-License-Identifier: MIT
// The HTTPS server: one connection after the other, on one thread.
#include "support/tls_server.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
    SSL_CTX *ctx;
    int listener;
    uint16_t port;
    pthread_t thread;
    char ca_file[64];
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static X509 *make_certificate(EVP_PKEY *key, const char *san, bool is_expired)
{
    X509 *cert = X509_new();
    require(cert != NULL);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -2 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), is_expired ? -86400 : 86400);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    require(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    require(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void answer_all(SSL *ssl)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[65536];
    size_t len = 0;
    for (;;) {
        int n = SSL_read(ssl, request + len, (int)(sizeof request - 1 - len));
        if (n <= 0)
            return;
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n{") == NULL) // the tests' bodies are JSON in one piece
            continue;
        len = 0;
        if (SSL_write(ssl, reply, sizeof reply - 1) <= 0)
            return;
    }
}

static void *serve(void *context)
{
    struct tls_server *server = context;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        SSL *ssl = SSL_new(server->ctx);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1)
            answer_all(ssl);
        SSL_free(ssl);
        close(fd);
    }
}

struct tls_server *tls_server_start(const char *san, bool is_expired)
{
    struct tls_server *server = calloc(1, sizeof *server);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    require(server != NULL);
    signal(SIGPIPE, SIG_IGN); // NOLINT: OpenSSL writes without MSG_NOSIGNAL
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key, san, is_expired);
    server->ctx = SSL_CTX_new(TLS_server_method());
    require(SSL_CTX_use_certificate(server->ctx, cert) == 1);
    require(SSL_CTX_use_PrivateKey(server->ctx, key) == 1);
    memcpy(server->ca_file, "/tmp/test_caXXXXXX", sizeof "/tmp/test_caXXXXXX");
    FILE *file = fdopen(mkstemp(server->ca_file), "w");
    require(file != NULL);
    bool is_written = PEM_write_X509(file, cert) == 1;
    require(fclose(file) == 0 && is_written);
    X509_free(cert);
    EVP_PKEY_free(key);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(server->listener, (struct sockaddr *)&at, sizeof at) == 0 &&
            listen(server->listener, 64) == 0 &&
            getsockname(server->listener, (struct sockaddr *)&at, &len) == 0);
    server->port = ntohs(at.sin_port);
    require(pthread_create(&server->thread, NULL, serve, server) == 0);
    return server;
}

void tls_server_stop(struct tls_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    SSL_CTX_free(server->ctx);
    unlink(server->ca_file);
    free(server);
}

uint16_t tls_server_port(const struct tls_server *server)
{
    return server->port;
}

const char *tls_server_ca_file(const struct tls_server *server)
{
    return server->ca_file;
}
