// SPDX-License-Identifier: MIT
// Any configuration file is read or refused with a message that names the file; one thread.
#include "base/check.h"
#include "base/span.h"
#include "config/config_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct errmsg message = {""};
    struct span text = span_make(data, size);
    if (size > CONFIG_MAX_FILE)
        return 0;
    CHECK(config_load(&config, 0, NULL, &message) == OK);
    if (config_read_lua(config, "FILE", text, &message) != OK)
        CHECK(span_starts_with(span_of(message.text), SPAN("FILE:")));
    else
        config_show(config);
    for (size_t i = 0; i < 4; i++) {
        int line = config_line_of(text, span_of(config_options[i].name));
        CHECK(line >= 0 && (size_t)line <= size + 1);
    }
    config_free(config);
    return 0;
}
