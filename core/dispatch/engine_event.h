// SPDX-License-Identifier: MIT
// Events of the engine itself (delivery.md, Limits; engine_event.def); main only.
//
// They are events like others, in the tenant of the webhook that they are about, but go only to
// webhooks that name them ("grapnel.*" or longer, not "*"), and producers may not send them. Nothing
// is stored when nobody wants it. What becomes of them makes no further ones. One that the store
// refuses is logged and lost: what it tells of is on record all the same.
#pragma once

#include "dispatch/state.h"

enum engine_event {
#define X(id, name, meaning) ENGINE_##id,
#include "dispatch/engine_event.def"
#undef X
};

const char *engine_event_name(enum engine_event kind);
// Is the event one of these? Then nothing that becomes of it makes another one.
bool engine_event_is(const struct event *event);
void engine_event_disabling(struct dispatch *d, const struct hook *hook);
void engine_event_disabled(struct dispatch *d, const struct hook *hook);
void engine_event_dead(struct dispatch *d, const struct hook *hook, const struct delivery *delivery,
                       const struct settle_how *how);
