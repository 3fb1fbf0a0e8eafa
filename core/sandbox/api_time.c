// SPDX-License-Identifier: MIT
// The module grapnel.time; there is no clock in it. Script host only.
#include <lauxlib.h>
#include <math.h>

#include "base/date.h"
#include "sandbox/bind_inside.h"

#define FIRST_SECOND (-62135596800) // 0001-01-01T00:00:00Z
#define LAST_SECOND  253402300799   // 9999-12-31T23:59:59Z

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

static int time_parse(lua_State *L)
{
    struct span text = bind_check_span(L, 1);
    int64_t seconds;
    int nanoseconds;
    if (!date_parse(text, &seconds, &nanoseconds))
        return bind_fail(L, "not an RFC 3339 time such as 2026-01-30T10:11:12Z");
    lua_pushinteger(L, seconds);     // seconds
    lua_pushinteger(L, nanoseconds); // seconds nanoseconds
    return 2;
}

// False: there is no such conversion.
static bool append_conversion(struct buf *out, char c, const struct date_parts *d, int64_t seconds)
{
    int hour = d->hour % 12 == 0 ? 12 : d->hour % 12;
    switch (c) {
    case 'Y': buf_append_format(out, "%04d", d->year); break;
    case 'y': buf_append_format(out, "%02d", d->year % 100); break;
    case 'm': buf_append_format(out, "%02d", d->month); break;
    case 'd': buf_append_format(out, "%02d", d->day); break;
    case 'e': buf_append_format(out, "%2d", d->day); break;
    case 'H': buf_append_format(out, "%02d", d->hour); break;
    case 'I': buf_append_format(out, "%02d", hour); break;
    case 'M': buf_append_format(out, "%02d", d->minute); break;
    case 'S': buf_append_format(out, "%02d", d->second); break;
    case 'p': buf_append_text(out, d->hour < 12 ? "AM" : "PM"); break;
    case 'j': buf_append_format(out, "%03d", d->yearday); break;
    case 'A': buf_append_text(out, days[d->weekday]); break;
    case 'a': buf_append(out, days[d->weekday], 3); break;
    case 'B': buf_append_text(out, months[d->month - 1]); break;
    case 'b': buf_append(out, months[d->month - 1], 3); break;
    case 'F': buf_append_format(out, "%04d-%02d-%02d", d->year, d->month, d->day); break;
    case 'T': buf_append_format(out, "%02d:%02d:%02d", d->hour, d->minute, d->second); break;
    case 's': buf_append_format(out, "%lld", (long long)seconds); break;
    case 'z': buf_append_text(out, "+0000"); break;
    case 'Z': buf_append_text(out, "UTC"); break;
    case '%': buf_append_char(out, '%'); break;
    default: return false;
    }
    return true;
}

static int format_layout(lua_State *L, struct bind *bind, struct span layout, int64_t seconds)
{
    struct date_parts parts;
    date_split(seconds, &parts);
    buf_clear(&bind->scratch);
    for (size_t i = 0; i < layout.len; i++) {
        if (layout.at[i] != '%') {
            buf_append_char(&bind->scratch, layout.at[i]);
            continue;
        }
        char c = ++i < layout.len ? layout.at[i] : ' ';
        if (!append_conversion(&bind->scratch, c, &parts, seconds))
            return luaL_error(L,
                              "format: '%%%c' is not known; there are %%Y %%m %%d %%H %%M %%S "
                              "%%y %%e %%I %%p %%j %%A %%a %%B %%b %%F %%T %%s %%z %%Z %%%%",
                              c);
    }
    return bind_push_scratch(L, bind);
}

static int time_format(lua_State *L)
{
    struct bind *bind = bind_upvalue(L);
    double number = luaL_checknumber(L, 1);
    bool is_there = !lua_isnoneornil(L, 2);
    struct span layout = is_there ? bind_check_span(L, 2) : SPAN("rfc3339");
    luaL_argcheck(L, number >= FIRST_SECOND && number < (double)LAST_SECOND + 1, 1,
                  "the years 1 to 9999 expected");
    int64_t seconds = lua_isinteger(L, 1) ? lua_tointeger(L, 1) : (int64_t)floor(number);
    char text[DATE_TEXT_LEN];
    if (span_is(layout, "rfc3339"))
        date_print(seconds, text);
    else if (span_is(layout, "http"))
        date_print_http(seconds, text);
    else
        return format_layout(L, bind, layout, seconds);
    lua_pushstring(L, text);
    return 1;
}

int api_time_open(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        {"parse", time_parse},
        {"format", time_format},
        {NULL, NULL},
    };
    luaL_newlibtable(L, functions);        // time
    lua_pushvalue(L, lua_upvalueindex(1)); // time bind
    luaL_setfuncs(L, functions, 1);        // time
    return 1;
}
