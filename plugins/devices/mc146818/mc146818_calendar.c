/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calendar: MC146818A data sheet, "Time, Calendar, and Alarm Locations" and "Update Cycle". Two
 * digits of the year are all that the chip knows, so every fourth is a leap year; the century byte
 * beyond them is carried along for PC BIOSes. */
#include "mc146818_calendar.h"

#include <stdio.h>
#include <string.h>

#define MC146818_PM        0x80u
#define MC146818_ALARM_ANY 0xc0u

static uint32_t mc146818_decode(const uint8_t *cmos, uint8_t value)
{
    return cmos[MC146818_B] & MC146818_B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static uint8_t mc146818_encode(const uint8_t *cmos, uint32_t value)
{
    return (uint8_t)(cmos[MC146818_B] & MC146818_B_BINARY ? value : value / 10 << 4 | value % 10);
}

static uint32_t mc146818_decode_hour(const uint8_t *cmos)
{
    uint8_t value = cmos[MC146818_HOURS];
    if (cmos[MC146818_B] & MC146818_B_24H) {
        return mc146818_decode(cmos, value);
    }
    return mc146818_decode(cmos, value & 0x7f) % 12 + (value & MC146818_PM ? 12 : 0);
}

static uint8_t mc146818_encode_hour(const uint8_t *cmos, uint32_t hour)
{
    if (cmos[MC146818_B] & MC146818_B_24H) {
        return mc146818_encode(cmos, hour);
    }
    uint8_t value = mc146818_encode(cmos, hour % 12 ? hour % 12 : 12);
    return (uint8_t)(value | (hour >= 12 ? MC146818_PM : 0));
}

static uint32_t mc146818_days(uint32_t month, uint32_t year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12) {
        return 31;
    }
    return days[month - 1] + (month == 2 && year % 4 == 0);
}

/* Counts a register up; 1 if it went over `last` and back to `first`. */
static int mc146818_count(uint8_t *cmos, uint32_t reg, uint32_t first, uint32_t last)
{
    uint32_t value = mc146818_decode(cmos, cmos[reg]);
    int carry = value >= last;
    cmos[reg] = mc146818_encode(cmos, carry ? first : value + 1);
    return carry;
}

static void mc146818_next_day(uint8_t *cmos)
{
    uint32_t month = mc146818_decode(cmos, cmos[MC146818_MONTH]);
    uint32_t year = mc146818_decode(cmos, cmos[MC146818_YEAR]);
    mc146818_count(cmos, MC146818_DAY_OF_WEEK, 1, 7);
    if (mc146818_count(cmos, MC146818_DAY, 1, mc146818_days(month, year)) &&
        mc146818_count(cmos, MC146818_MONTH, 1, 12) && mc146818_count(cmos, MC146818_YEAR, 0, 99)) {
        mc146818_count(cmos, MC146818_CENTURY, 0, 99);
    }
}

/* Register B, DSE: what the hour after this one is if it is 1 o'clock of a Sunday that changes the
 * clocks: the last in April, the last in October (once). 0: any other day. */
static uint32_t mc146818_daylight_hour(const uint8_t *cmos, uint8_t *fell_back)
{
    uint32_t month = mc146818_decode(cmos, cmos[MC146818_MONTH]);
    uint32_t day = mc146818_decode(cmos, cmos[MC146818_DAY]);
    if (!(cmos[MC146818_B] & MC146818_B_DSE) ||
        mc146818_decode(cmos, cmos[MC146818_DAY_OF_WEEK]) != 1) {
        return 0;
    }
    if (month == 4 && day + 7 > 30) {
        return 3;
    }
    if (month == 10 && day + 7 > 31 && !*fell_back) {
        *fell_back = 1;
        return 1;
    }
    return 0;
}

void mc146818_calendar_tick(uint8_t *cmos, uint8_t *fell_back)
{
    if (!mc146818_count(cmos, MC146818_SECONDS, 0, 59) ||
        !mc146818_count(cmos, MC146818_MINUTES, 0, 59)) {
        return;
    }
    uint32_t hour = mc146818_decode_hour(cmos) + 1;
    uint32_t changed = hour == 2 ? mc146818_daylight_hour(cmos, fell_back) : 0;
    if (changed) {
        hour = changed;
    }
    cmos[MC146818_HOURS] = mc146818_encode_hour(cmos, hour > 23 ? 0 : hour);
    if (hour > 23) {
        *fell_back = 0;
        mc146818_next_day(cmos);
    }
}

int mc146818_calendar_alarm(const uint8_t *cmos)
{
    static const uint8_t pairs[3][2] = {
        {MC146818_SECONDS, MC146818_SECONDS_ALARM},
        {MC146818_MINUTES, MC146818_MINUTES_ALARM},
        {MC146818_HOURS, MC146818_HOURS_ALARM},
    };
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t alarm = cmos[pairs[i][1]];
        if ((alarm & MC146818_ALARM_ANY) != MC146818_ALARM_ANY && alarm != cmos[pairs[i][0]]) {
            return 0;
        }
    }
    return 1;
}

void mc146818_calendar_set(uint8_t *cmos, const struct tm *tm)
{
    uint32_t year = tm->tm_year < 0 ? 1900 : (uint32_t)tm->tm_year + 1900;
    cmos[MC146818_SECONDS] = mc146818_encode(cmos, tm->tm_sec > 59 ? 59 : (uint32_t)tm->tm_sec);
    cmos[MC146818_MINUTES] = mc146818_encode(cmos, (uint32_t)tm->tm_min);
    cmos[MC146818_HOURS] = mc146818_encode_hour(cmos, (uint32_t)tm->tm_hour);
    cmos[MC146818_DAY_OF_WEEK] = mc146818_encode(cmos, (uint32_t)tm->tm_wday + 1);
    cmos[MC146818_DAY] = mc146818_encode(cmos, (uint32_t)tm->tm_mday);
    cmos[MC146818_MONTH] = mc146818_encode(cmos, (uint32_t)tm->tm_mon + 1);
    cmos[MC146818_YEAR] = mc146818_encode(cmos, year % 100);
    cmos[MC146818_CENTURY] = mc146818_encode(cmos, year / 100 % 100);
}

static int calendar_digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int mc146818_calendar_parse(const char *text, struct tm *ret_tm)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    if (strlen(text) != sizeof(shape) - 1) {
        return 0;
    }
    for (size_t i = 0; shape[i]; i++) {
        int digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i]) {
            return 0;
        }
    }
    struct tm tm = {.tm_year = calendar_digits(text, 4) - 1900,
                    .tm_mon = calendar_digits(text + 5, 2) - 1,
                    .tm_mday = calendar_digits(text + 8, 2),
                    .tm_hour = calendar_digits(text + 11, 2),
                    .tm_min = calendar_digits(text + 14, 2),
                    .tm_sec = calendar_digits(text + 17, 2)};
    struct tm real = tm;
    timegm(&real); /* puts what is out of range right, and knows the day of the week */
    *ret_tm = real;
    return tm.tm_year >= 0 && real.tm_mon == tm.tm_mon && real.tm_mday == tm.tm_mday &&
           real.tm_hour == tm.tm_hour && real.tm_min == tm.tm_min && real.tm_sec == tm.tm_sec;
}
