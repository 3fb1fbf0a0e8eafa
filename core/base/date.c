// SPDX-License-Identifier: MIT
// RFC 3339 and HTTP dates to and from seconds, always UTC inside; any thread.
#include "base/date.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

#define DAY_S   86400
#define FIRST_S INT64_C(-62135596800) // 0001-01-01T00:00:00Z
#define LAST_S  INT64_C(253402300799) // 9999-12-31T23:59:59Z

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

// What is left of a text that is read from its front.
struct reader {
    struct span rest; // borrowed
    bool is_bad;      // something else was found; stays
};

// ---- calendar --------------------------------------------------------------

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// Days from 1970-01-01, by eras of 400 years that begin on the first of March (H. Hinnant,
// chrono-compatible low-level date algorithms).
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct date_parts *out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; // months since March
    out->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    out->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    out->year = (int)(year_of_era + era * 400 + (out->month <= 2));
}

void date_split(int64_t seconds, struct date_parts *out)
{
    if (seconds < FIRST_S)
        seconds = FIRST_S;
    if (seconds > LAST_S)
        seconds = LAST_S;
    int64_t days = seconds / DAY_S;
    int second_of_day = (int)(seconds % DAY_S);
    if (second_of_day < 0) {
        days--;
        second_of_day += DAY_S;
    }
    civil_from_days(days, out);
    out->hour = second_of_day / 3600;
    out->minute = second_of_day / 60 % 60;
    out->second = second_of_day % 60;
    out->weekday = (int)(((days + 4) % 7 + 7) % 7); // 1970-01-01 was a Thursday
    out->yearday = (int)(days - days_from_civil(out->year, 1, 1)) + 1;
}

// Seconds since 1970 when the parts are a date; a leap second is the next one.
static bool join(const struct date_parts *p, int64_t *seconds)
{
    if (p->year < 1 || p->month < 1 || p->month > 12 || p->day < 1 ||
        p->day > days_in_month(p->year, p->month) || p->hour > 23 || p->minute > 59 ||
        p->second > 60)
        return false;
    *seconds = days_from_civil(p->year, p->month, p->day) * DAY_S + p->hour * 3600 +
               p->minute * 60 + p->second;
    return true;
}

// Leap seconds end a day of UTC.
static bool is_in_range(int64_t seconds, bool is_leap_second)
{
    return seconds >= FIRST_S && seconds <= LAST_S && (!is_leap_second || seconds % DAY_S == 0);
}

// ---- reading ---------------------------------------------------------------

static void skip(struct reader *r, size_t count)
{
    r->rest.at += count;
    r->rest.len -= count;
}

static bool try_char(struct reader *r, char c)
{
    if (r->is_bad || r->rest.len == 0 || r->rest.at[0] != c)
        return false;
    skip(r, 1);
    return true;
}

static void expect(struct reader *r, const char *text)
{
    struct span wanted = span_of(text);
    if (!r->is_bad && span_starts_with(r->rest, wanted))
        skip(r, wanted.len);
    else
        r->is_bad = true;
}

static bool is_digit(const struct reader *r)
{
    return !r->is_bad && r->rest.len > 0 && r->rest.at[0] >= '0' && r->rest.at[0] <= '9';
}

static int number(struct reader *r, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(r)) {
            r->is_bad = true;
            return 0;
        }
        value = value * 10 + (r->rest.at[0] - '0');
        skip(r, 1);
    }
    return value;
}

// Index of one of `count` names of three letters; -1 and bad when it is none.
static int name(struct reader *r, const char *names, int count)
{
    for (int i = 0; i < count && !r->is_bad; i++) {
        if (span_starts_with(r->rest, (struct span){names + 3 * (size_t)i, 3})) {
            skip(r, 3);
            return i;
        }
    }
    r->is_bad = true;
    return -1;
}

static void time_of_day(struct reader *r, struct date_parts *p)
{
    p->hour = number(r, 2);
    expect(r, ":");
    p->minute = number(r, 2);
    expect(r, ":");
    p->second = number(r, 2);
}

// ".123" in nanoseconds; 0 when there is none.
static int fraction(struct reader *r)
{
    if (!try_char(r, '.'))
        return 0;
    int value = number(r, 1);
    int digits = 1;
    for (; digits < 9 && is_digit(r); digits++)
        value = value * 10 + number(r, 1);
    for (; digits < 9; digits++)
        value *= 10;
    return value;
}

// "Z" or "+04:00", in seconds east of Greenwich.
static int zone(struct reader *r)
{
    if (try_char(r, 'Z') || try_char(r, 'z'))
        return 0;
    int sign = try_char(r, '-') ? -1 : 1;
    if (sign > 0)
        expect(r, "+");
    int hours = number(r, 2);
    expect(r, ":");
    int minutes = number(r, 2);
    if (hours > 23 || minutes > 59)
        r->is_bad = true;
    return sign * (hours * 3600 + minutes * 60);
}

bool date_parse(struct span text, int64_t *seconds, int *nanoseconds)
{
    struct reader r = {.rest = text};
    struct date_parts p = {0};
    p.year = number(&r, 4);
    expect(&r, "-");
    p.month = number(&r, 2);
    expect(&r, "-");
    p.day = number(&r, 2);
    if (!try_char(&r, 't'))
        expect(&r, "T");
    time_of_day(&r, &p);
    int fraction_ns = fraction(&r);
    int offset = zone(&r);
    int64_t local = 0;
    if (r.is_bad || r.rest.len > 0 || !join(&p, &local) ||
        !is_in_range(local - offset, p.second == 60))
        return false;
    *seconds = local - offset;
    if (nanoseconds != NULL)
        *nanoseconds = fraction_ns;
    return true;
}

bool date_parse_ms(struct span text, int64_t *wall_ms)
{
    int64_t seconds = 0;
    int nanoseconds = 0;
    if (!date_parse(text, &seconds, &nanoseconds))
        return false;
    *wall_ms = seconds * 1000 + nanoseconds / 1000000;
    return true;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
static bool parse_imf(struct span text, struct date_parts *p)
{
    struct reader r = {.rest = text};
    (void)name(&r, day_names, 7);
    expect(&r, ", ");
    p->day = number(&r, 2);
    expect(&r, " ");
    p->month = name(&r, month_names, 12) + 1;
    expect(&r, " ");
    p->year = number(&r, 4);
    expect(&r, " ");
    time_of_day(&r, p);
    expect(&r, " GMT");
    return !r.is_bad && r.rest.len == 0;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
static bool parse_rfc850(struct span text, struct date_parts *p)
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    struct reader r = {.rest = text};
    struct reader start = r;
    int weekday = name(&start, day_names, 7);
    if (weekday < 0)
        return false;
    expect(&r, days[weekday]);
    expect(&r, ", ");
    p->day = number(&r, 2);
    expect(&r, "-");
    p->month = name(&r, month_names, 12) + 1;
    expect(&r, "-");
    p->year = number(&r, 2);
    expect(&r, " ");
    time_of_day(&r, p);
    expect(&r, " GMT");
    if (r.is_bad || r.rest.len > 0)
        return false;
    // More than 50 years ahead means the last such year in the past (RFC 9110, 5.6.7).
    struct date_parts now;
    date_split(clock_wall_ms() / 1000, &now);
    p->year += now.year - now.year % 100;
    if (p->year > now.year + 50)
        p->year -= 100;
    return true;
}

// "Sun Nov  6 08:49:37 1994"
static bool parse_asctime(struct span text, struct date_parts *p)
{
    struct reader r = {.rest = text};
    (void)name(&r, day_names, 7);
    expect(&r, " ");
    p->month = name(&r, month_names, 12) + 1;
    expect(&r, " ");
    p->day = try_char(&r, ' ') ? number(&r, 1) : number(&r, 2);
    expect(&r, " ");
    time_of_day(&r, p);
    expect(&r, " ");
    p->year = number(&r, 4);
    return !r.is_bad && r.rest.len == 0;
}

bool date_parse_http(struct span text, int64_t *seconds)
{
    struct date_parts p = {0};
    int64_t found = 0;
    if (!parse_imf(text, &p) && !parse_rfc850(text, &p) && !parse_asctime(text, &p))
        return false;
    if (!join(&p, &found) || !is_in_range(found, p.second == 60))
        return false;
    *seconds = found;
    return true;
}

// ---- printing --------------------------------------------------------------

void date_print(int64_t seconds, char out[DATE_TEXT_LEN])
{
    struct date_parts p;
    date_split(seconds, &p);
    (void)snprintf(out, DATE_TEXT_LEN, "%04d-%02d-%02dT%02d:%02d:%02dZ", p.year, p.month, p.day,
                   p.hour, p.minute, p.second);
}

void date_print_ms(int64_t wall_ms, char out[DATE_TEXT_LEN])
{
    int64_t seconds = wall_ms / 1000;
    int ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        seconds--;
        ms += 1000;
    }
    struct date_parts p;
    date_split(seconds, &p);
    (void)snprintf(out, DATE_TEXT_LEN, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", p.year, p.month,
                   p.day, p.hour, p.minute, p.second, ms);
}

void date_print_http(int64_t seconds, char out[DATE_TEXT_LEN])
{
    struct date_parts p;
    date_split(seconds, &p);
    (void)snprintf(out, DATE_TEXT_LEN, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                   day_names + 3 * (size_t)p.weekday, p.day,
                   month_names + 3 * (size_t)(p.month - 1), p.year, p.hour, p.minute, p.second);
}
