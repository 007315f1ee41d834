/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mc146818: time, calendar and alarm registers, one second after the other. Works on the chip's
 * registers alone and knows nothing of the host. */
#ifndef MC146818_CALENDAR_H
#define MC146818_CALENDAR_H

#include <stdint.h>
#include <time.h>

#define MC146818_SECONDS       0x00u
#define MC146818_SECONDS_ALARM 0x01u
#define MC146818_MINUTES       0x02u
#define MC146818_MINUTES_ALARM 0x03u
#define MC146818_HOURS         0x04u
#define MC146818_HOURS_ALARM   0x05u
#define MC146818_DAY_OF_WEEK   0x06u
#define MC146818_DAY           0x07u
#define MC146818_MONTH         0x08u
#define MC146818_YEAR          0x09u
#define MC146818_A             0x0au
#define MC146818_B             0x0bu
#define MC146818_C             0x0cu
#define MC146818_D             0x0du
#define MC146818_CENTURY       0x32u

#define MC146818_B_BINARY 0x04u
#define MC146818_B_24H    0x02u
#define MC146818_B_DSE    0x01u

/* An update cycle. *fell_back: summer time has ended today, and does so once a day only. */
void mc146818_calendar_tick(uint8_t *cmos, uint8_t *fell_back);
/* 1: the alarm registers match, don't-care codes included. */
int mc146818_calendar_alarm(const uint8_t *cmos);
/* A time of year 0 to 9999 into the registers, as register B wants it. */
void mc146818_calendar_set(uint8_t *cmos, const struct tm *tm);
/* "2001-02-03T04:05:06" with a year from 1900; 0: it is none. */
int mc146818_calendar_parse(const char *text, struct tm *ret_tm);

#endif
