// SPDX-License-Identifier: MIT
// A loopback HTTPS server with a certificate made for the test; a thread of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tls_server;

// The certificate names `san` ("IP:127.0.0.1" or "DNS:example.com") and ended yesterday when
// `is_expired`. Every request is answered by 200 and the connection is kept.
struct tls_server *tls_server_start(const char *san, bool is_expired);
void tls_server_stop(struct tls_server *server);
uint16_t tls_server_port(const struct tls_server *server);
// A PEM file that trusts the server, removed when it stops.
const char *tls_server_ca_file(const struct tls_server *server);
