// SPDX-License-Identifier: MIT
// Names of what a backend keeps of scripts; any thread.
#include "store/scripts.h"

#include "base/check.h"

const char *script_origin_name(enum script_origin origin)
{
    switch (origin) {
    case SCRIPT_BUILTIN: return "builtin";
    case SCRIPT_DIR: return "scripts_dir";
    case SCRIPT_STORED: return "stored";
    }
    CHECK(!"an origin of scripts");
    return "";
}
