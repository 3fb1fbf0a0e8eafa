// SPDX-License-Identifier: MIT
// Texts that a person gives as they are, as @FILE or as - (standard input); the main thread.
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "json/json.h"

#define READ_BYTES 65536

static enum err read_all(struct buf *out, int fd)
{
    for (;;) {
        char more = 0; // at the maximum: is this all?
        size_t left = out->max - out->len;
        size_t wanted = left < READ_BYTES ? left : READ_BYTES;
        char *room = wanted > 0 ? buf_reserve(out, wanted) : &more;
        CHECK(room != NULL);
        ssize_t count = read(fd, room, wanted > 0 ? wanted : 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return err_from_errno(errno);
        if (count == 0)
            return OK;
        if (wanted == 0)
            return ERR_FULL;
        buf_commit(out, (size_t)count);
    }
}

enum err source_read(struct buf *out, const char *text, struct errmsg *message)
{
    bool is_input = strcmp(text, "-") == 0;
    if (!is_input && text[0] != '@')
        return buf_append_text(out, text);
    int fd = is_input ? STDIN_FILENO : open(text + 1, O_RDONLY | O_CLOEXEC);
    enum err err = fd < 0 ? err_from_errno(errno) : read_all(out, fd);
    if (fd >= 0 && !is_input)
        close(fd);
    if (err != OK)
        errmsg_set(message, "%s: %s", is_input ? "standard input" : text + 1, err_text(err));
    return err;
}

enum err source_read_json(struct buf *out, const char *text, struct errmsg *message)
{
    size_t before = out->len;
    struct json_doc doc;
    struct json_error error;
    enum err err = source_read(out, text, message);
    if (err != OK)
        return err;
    struct span json = {out->at == NULL ? "" : out->at + before, out->len - before};
    json_init(&doc);
    err = json_parse(&doc, json, JSON_MAX_DEPTH * 2, &error);
    json_deinit(&doc);
    if (err != OK) {
        errmsg_set(message, "no JSON: %s at byte %zu", error.message, error.offset);
        return err;
    }
    for (size_t i = before; out->at != NULL && i < out->len; i++)
        out->at[i] = out->at[i] == '\n' || out->at[i] == '\r' ? ' ' : out->at[i];
    return OK;
}
