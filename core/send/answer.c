// SPDX-License-Identifier: MIT
// Collects a target's answer within its bounds; runs on a sender thread.
#include "send/answer.h"

#include "base/date.h"

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    buf_init(&answer->head, ANSWER_MAX_HEAD);
    buf_init(&answer->body, ATTEMPT_MAX_RESPONSE);
}

void answer_deinit(struct answer *answer)
{
    buf_deinit(&answer->head);
    buf_deinit(&answer->body);
}

void answer_clear(struct answer *answer)
{
    buf_reset(&answer->head, 4096);
    buf_reset(&answer->body, 4096);
    answer->head_bytes = 0;
    answer->status = 0;
    answer->lines = 0;
    answer->interim = 0;
    answer->is_open = false;
    answer->is_complete = false;
    answer->is_cut = false;
}

// The three digits of "HTTP/1.1 200 OK"; 0: there are none.
static int parse_status(struct span line)
{
    struct span rest = line;
    struct span version;
    int64_t status = 0;
    if (!span_split(&rest, ' ', &version))
        return 0;
    rest = span_trim(rest);
    if (rest.len < 3 || (rest.len > 3 && rest.at[3] != ' '))
        return 0;
    return span_to_int64((struct span){rest.at, 3}, &status) ? (int)status : 0;
}

static const char *start_answer(struct answer *answer, struct span line)
{
    answer->is_open = true;
    answer->status = parse_status(line);
    if (answer->status == 101)
        return "the answer was 101 Switching Protocols";
    if (answer->status < 100 || answer->status > 599)
        return "the answer's status is outside 100-599";
    return NULL;
}

static const char *end_header(struct answer *answer)
{
    answer->is_open = false;
    answer->is_complete = answer->status >= 200;
    if (!answer->is_complete && ++answer->interim > ANSWER_MAX_INTERIM)
        return "more than 16 interim answers (1xx)";
    return NULL;
}

const char *answer_add_line(struct answer *answer, struct span line)
{
    static const char too_long[] = "the answer's headers are longer than 64 KiB";
    answer->head_bytes += line.len;
    if (answer->head_bytes > ANSWER_MAX_HEAD)
        return too_long;
    if (answer->is_complete) // a trailer
        return NULL;
    if (!answer->is_open)
        return start_answer(answer, span_trim(line));
    if (span_trim(line).len == 0)
        return end_header(answer);
    if (answer->status < 200)
        return NULL;
    answer->lines++;
    return buf_append_span(&answer->head, line) == OK ? NULL : too_long;
}

bool answer_add_body(struct answer *answer, struct span piece)
{
    size_t room = ATTEMPT_MAX_RESPONSE - answer->body.len;
    if (piece.len > room) {
        piece.len = room;
        answer->is_cut = true;
    }
    if (buf_append_span(&answer->body, piece) != OK)
        answer->is_cut = true;
    return !answer->is_cut;
}

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    }
    return s.len > 0;
}

int64_t answer_parse_retry(struct span value, int64_t wall_ms)
{
    int64_t seconds = 0;
    value = span_trim(value);
    if (is_digits(value)) {
        if (!span_to_int64(value, &seconds) || seconds > ANSWER_MAX_RETRY_MS / 1000)
            return ANSWER_MAX_RETRY_MS;
        return seconds * 1000;
    }
    if (!date_parse_http(value, &seconds))
        return -1;
    int64_t wait_ms = seconds * 1000 - wall_ms;
    if (wait_ms > ANSWER_MAX_RETRY_MS)
        return ANSWER_MAX_RETRY_MS;
    return wait_ms > 0 ? wait_ms : 0;
}

// "Name: value" without the line's end; false for a folded line or one without a colon.
static bool parse_header(struct span line, struct header *out)
{
    const char *colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;
    if (colon == NULL || colon == line.at || line.at[0] == ' ' || line.at[0] == '\t')
        return false;
    out->name = span_trim((struct span){line.at, (size_t)(colon - line.at)});
    out->value = span_trim((struct span){colon + 1, line.len - (size_t)(colon - line.at) - 1});
    return true;
}

// By the target's own clock where the answer has it: only the distance of the two dates means anything.
static void fill_retry(struct attempt *attempt, int64_t wall_ms)
{
    const struct header *headers = attempt->response_headers;
    struct span value = {0};
    int64_t target_s = 0;
    if (attempt->status < 400)
        return;
    for (size_t i = 0; i < attempt->response_header_count; i++) {
        if (span_eq_nocase(headers[i].name, SPAN("Date")) &&
            date_parse_http(headers[i].value, &target_s))
            wall_ms = target_s * 1000;
        else if (span_eq_nocase(headers[i].name, SPAN("Retry-After")))
            value = headers[i].value;
    }
    if (value.at != NULL)
        attempt->retry_after_ms = answer_parse_retry(value, wall_ms);
}

static void fill_headers(const struct answer *answer, struct attempt *attempt, int64_t wall_ms)
{
    struct span rest = arena_copy(&attempt->arena, buf_span(&answer->head));
    struct span line;
    unsigned most = answer->lines < ANSWER_MAX_HEADERS ? answer->lines : ANSWER_MAX_HEADERS;
    struct header *header = arena_alloc(&attempt->arena, (most + 1) * sizeof *header);
    attempt->response_headers = header;
    attempt->response_header_count = 0;
    while (attempt->response_header_count < most && span_split(&rest, '\n', &line)) {
        if (!parse_header(line, header))
            continue;
        attempt->response_header_count++;
        header++;
    }
    fill_retry(attempt, wall_ms);
}

void answer_fill(const struct answer *answer, struct attempt *attempt, int64_t wall_ms)
{
    attempt->arena.max +=
        answer->head.len + answer->body.len + 64 + (ANSWER_MAX_HEADERS + 1) * sizeof(struct header);
    attempt->status = answer->status;
    fill_headers(answer, attempt, wall_ms);
    attempt->response = arena_copy(&attempt->arena, buf_span(&answer->body));
    attempt->response_len = (uint32_t)answer->body.len;
}
