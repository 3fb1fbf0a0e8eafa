// SPDX-License-Identifier: MIT
// The operator's door opens and closes; main only.
#include "admin/admin.h"

#include <string.h>

#include "admin/api.h"
#include "base/mem.h"

enum err admin_start(struct admin **out, const struct admin_env *env, struct errmsg *message)
{
    struct admin *admin = xcalloc(1, sizeof *admin);
    const char *tcp = env->config->admin_listen;
    admin->env = *env;
    struct http_config config = {
        .unix_path = env->config->admin_socket,
        .tcp_listen = tcp[0] == 0 || strcmp(tcp, "none") == 0 ? NULL : tcp,
    };
    enum err err = http_start(&admin->http, env->loop, &config, api_on_request, admin, message);
    if (err != OK) {
        xfree(admin);
        return err;
    }
    *out = admin;
    return OK;
}

void admin_reconfigure(struct admin *admin, const struct config *config)
{
    admin->env.config = config;
}

static void on_http_stopped(void *context)
{
    struct admin *admin = context;
    void (*on_stopped)(void *context) = admin->on_stopped;
    void *stopped_context = admin->stopped_context;
    xfree(admin);
    if (on_stopped != NULL)
        on_stopped(stopped_context);
}

void admin_stop(struct admin *admin, void (*on_stopped)(void *context), void *context)
{
    admin->on_stopped = on_stopped;
    admin->stopped_context = context;
    http_stop(admin->http, on_http_stopped, admin);
}
