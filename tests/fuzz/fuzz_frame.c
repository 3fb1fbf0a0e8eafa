// SPDX-License-Identifier: MIT
// Frames of both directions: any bytes are taken or refused, and what is taken can be put again.
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "script/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct frame_pair headers[FRAME_MAX_HEADERS];
static struct frame_pair more_headers[FRAME_MAX_HEADERS];
static struct buf out;

// What was read is put, read once more, and put once more: the same bytes.
#define AGAIN(name, first, second)                             \
    do {                                                       \
        buf_clear(&out);                                       \
        if (frame_get_##name(frame->payload, (first))) {       \
            frame_put_##name(&out, (first));                   \
            CHECK(span_eq(buf_span(&out), frame->payload));    \
            CHECK(frame_get_##name(buf_span(&out), (second))); \
        }                                                      \
    } while (0)

static void take_payload(const struct frame *frame)
{
    static struct frame_webhook webhooks[2];
    static struct frame_problems problems[2];
    struct frame_script scripts[2];
    struct frame_checked checked[2];
    struct frame_ready ready[2];
    struct frame_visit visits[2] = {{.headers = headers}, {.headers = more_headers}};
    struct frame_answer answers[2] = {{.headers = headers}, {.headers = more_headers}};
    switch ((enum frame_kind)frame->kind) {
    case FRAME_SCRIPT:
    case FRAME_CHECK_SCRIPT: AGAIN(script, &scripts[0], &scripts[1]); break;
    case FRAME_WEBHOOK:
    case FRAME_CHECK_WEBHOOK: AGAIN(webhook, &webhooks[0], &webhooks[1]); break;
    case FRAME_RENDER:
    case FRAME_RESPONSE: AGAIN(visit, &visits[0], &visits[1]); break;
    case FRAME_READY: AGAIN(ready, &ready[0], &ready[1]); break;
    case FRAME_ANSWER: AGAIN(answer, &answers[0], &answers[1]); break;
    case FRAME_CHECKED: AGAIN(checked, &checked[0], &checked[1]); break;
    case FRAME_PROBLEMS: AGAIN(problems, &problems[0], &problems[1]); break;
    case FRAME_FORGET:
    case FRAME_KIND_COUNT: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame frame;
    if (size < 2)
        return 0;
    if (out.max == 0)
        buf_init(&out, FRAME_MAX_TO_HOST);
    // As a stream.
    struct span rest = span_make(data + 1, size - 1);
    while (frame_take(&rest, (data[0] & 1) != 0 ? FRAME_HOST : FRAME_ENGINE, &frame) == FRAME_WHOLE)
        take_payload(&frame);
    // As one payload of a kind, so that no length has to be guessed.
    frame = (struct frame){.kind = (uint32_t)(data[0] >> 1) % FRAME_KIND_COUNT,
                           .payload = span_make(data + 1, size - 1)};
    take_payload(&frame);
    return 0;
}
