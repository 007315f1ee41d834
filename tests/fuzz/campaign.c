/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* campaign_DEVICE: drives one device plugin under the fake host with seeded operations.
 *
 *     campaign_serial --seed 7 --ops 100000000
 *     campaign_serial --seed 7 --ops 3000 --from 2900      -- and says each operation from there on
 *
 * Besides crashes and what the fake host and the sanitizers see, these are findings:
 *  1. an operation that takes more than LIMIT_SECONDS of processor time;
 *  2. memory that grows without a bound while the guest goes on;
 *  3. timers that are armed for the past again and again;
 *  4. log lines above VIV_LOG_TRACE, more than a few, for what the guest did;
 *  5. writes to guest memory by a device that is no bus master;
 *  6. lines, or the second save, that differ after a save and load. */
#include "campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAMPAIGN_SANITIZED 1
#else
#define CAMPAIGN_SANITIZED 0
#endif
#define CAMPAIGN_TICK_US     250000
#define CAMPAIGN_TICKS       (CAMPAIGN_SANITIZED ? 12 : 4)
#define CAMPAIGN_CHECK_OPS   4096u
#define CAMPAIGN_MOST_LINES  100u
#define CAMPAIGN_GROWTH      (64ull << 20)
#define CAMPAIGN_MOST_MEMORY (256ull << 20) /* of the fake host's own: the episode ends there */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static Campaign campaign;
static uint64_t campaign_ticked_op;
static unsigned campaign_ticks;

/* -- random ---------------------------------------------------------------------------------- */

uint64_t campaign_rand(Campaign *c) /* xorshift64* */
{
    c->rng ^= c->rng >> 12;
    c->rng ^= c->rng << 25;
    c->rng ^= c->rng >> 27;
    return c->rng * UINT64_C(2685821657736338717);
}

uint32_t campaign_below(Campaign *c, uint64_t n)
{
    return n ? (uint32_t)((campaign_rand(c) >> 20) % n) : 0;
}

int campaign_one_in(Campaign *c, uint32_t n)
{
    return campaign_below(c, n) == 0;
}

/* -- reports --------------------------------------------------------------------------------- */

static void campaign_say(const CampaignNote *n)
{
    fprintf(stderr, "  %" PRIu64 ": ", n->op);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(stderr, n->what, (unsigned long long)n->a, (unsigned long long)n->b,
            (unsigned long long)n->c);
#pragma GCC diagnostic pop
    fputc('\n', stderr);
}

static void campaign_report(void)
{
    static int reported;
    const Campaign *c = &campaign;
    if (reported || !c->device) {
        return;
    }
    reported = 1;
    fflush(stdout);
    fprintf(stderr,
            "\ncampaign: %s fails with --seed %" PRIu64 ", operation %" PRIu64
            " (episode %u, options \"%s\"). The last operations:\n",
            c->device, c->seed, c->ops, c->episode, c->options);
    for (uint64_t i = c->ops >= CAMPAIGN_TRACE ? c->ops - CAMPAIGN_TRACE + 1 : 1; i <= c->ops;
         i++) {
        if (c->notes[i % CAMPAIGN_TRACE].op == i) {
            campaign_say(&c->notes[i % CAMPAIGN_TRACE]);
        }
    }
    fprintf(stderr, "campaign: again with: campaign_%s --seed %" PRIu64 " --ops %" PRIu64 "\n",
            c->device, c->seed, c->ops + 1);
}

void campaign_fail(Campaign *c, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "campaign: %s: ", c->device);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

static void campaign_died(int sig)
{
    campaign_report();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* The operation counter stands still while the processor works: a loop that the guest bounds. */
static void campaign_tick(int sig)
{
    (void)sig;
    if (campaign_ticked_op != campaign.ops || campaign.host_busy) {
        campaign_ticked_op = campaign.ops;
        campaign_ticks = 0;
    } else if (++campaign_ticks > CAMPAIGN_TICKS) {
        static const char text[] = "campaign: an operation takes too long\n";
        if (write(STDERR_FILENO, text, sizeof text - 1) > 0) {
            abort();
        }
    }
}

static void campaign_watch(void)
{
    struct sigaction tick = {.sa_handler = campaign_tick, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, CAMPAIGN_TICK_US}, {0, CAMPAIGN_TICK_US}};
    signal(SIGABRT, campaign_died);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(campaign_report);
    } else {
        signal(SIGSEGV, campaign_died);
        signal(SIGBUS, campaign_died);
        signal(SIGFPE, campaign_died);
        signal(SIGILL, campaign_died);
    }
    sigaction(SIGPROF, &tick, NULL);
    setitimer(ITIMER_PROF, &every, NULL);
}

void campaign_note(Campaign *c, const char *what, uint64_t a, uint64_t b, uint64_t d)
{
    c->ops++;
    CampaignNote *n = &c->notes[c->ops % CAMPAIGN_TRACE];
    *n = (CampaignNote){c->ops, what, a, b, d};
    if (c->ops >= c->from) {
        campaign_say(n);
    }
}

/* -- invariants ------------------------------------------------------------------------------ */

static uint64_t campaign_allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes) {
        return __sanitizer_get_current_allocated_bytes();
    }
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static uint32_t campaign_flags(void)
{
    return &campaign_hints ? campaign_hints.flags : 0;
}

static uint64_t campaign_lines(Campaign *c)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < VIV_LOG_TRACE; i++) {
        n += harness_log_lines(c->h, i);
    }
    return n;
}

static void campaign_check(Campaign *c)
{
    uint64_t own = harness_footprint(c->h), now = campaign_allocated();
    if (now > c->allocated_base + own + CAMPAIGN_GROWTH) {
        campaign_fail(c, "%" PRIu64 " bytes are allocated, %" PRIu64 " were at first", now - own,
                      c->allocated_base);
    }
    if (own > CAMPAIGN_MOST_MEMORY) {
        c->episode_end = c->ops;
    }
    if (!(campaign_flags() & CAMPAIGN_LOGS) && campaign_lines(c) > CAMPAIGN_MOST_LINES) {
        campaign_fail(c, "a flood of log lines, the last: %s", harness_log_last(c->h));
    }
    if ((campaign_flags() & CAMPAIGN_NO_DMA) && harness_mem_writes(c->h)) {
        campaign_fail(c, "writes to guest memory");
    }
    c->next_check = c->ops + CAMPAIGN_CHECK_OPS;
}

/* -- episodes: a machine from power-on to power-off ------------------------------------------ */

static void campaign_episode(Campaign *c)
{
    c->episode++;
    c->host_busy = 1;
    campaign_start(c);
    c->host_busy = 0;
    c->allocated_base = campaign_allocated();
    c->episode_end = c->ops + 500 + campaign_below(c, campaign_one_in(c, 4) ? 200000 : 30000);
    c->next_check = c->ops + CAMPAIGN_CHECK_OPS;
    while (c->ops < c->episode_end && c->ops < c->most_ops) {
        campaign_operation(c);
        if (c->ops >= c->next_check) {
            campaign_check(c);
        }
    }
    campaign_check(c);
    c->host_busy = 1;
    campaign_note(c, "power off", 0, 0, 0);
    harness_fail_call(c->h, 0);
    harness_free(c->h);
    c->h = NULL;
    c->host_busy = 0;
}

static uint64_t campaign_number(const char *name, const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = text ? strtoull(text, &end, 0) : 0;
    if (!text || errno || !*text || *end) {
        fprintf(stderr, "%s needs a number\n", name);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    Campaign *c = &campaign;
    const char *base = strrchr(argv[0], '/');
    base = base ? base + 1 : argv[0];
    c->seed = 1;
    c->most_ops = 1000000;
    c->from = UINT64_MAX;
    for (int i = 1; i < argc; i += 2) {
        if (!strcmp(argv[i], "--seed")) {
            c->seed = campaign_number(argv[i], argv[i + 1]);
        } else if (!strcmp(argv[i], "--ops")) {
            c->most_ops = campaign_number(argv[i], argv[i + 1]);
        } else if (!strcmp(argv[i], "--from") || !strcmp(argv[i], "--trace")) {
            c->from = campaign_number(argv[i], argv[i + 1]);
        } else {
            fprintf(stderr, "usage: %s [--seed S] [--ops N] [--from OPERATION]\n", base);
            return 2;
        }
    }
    c->device = !strncmp(base, "campaign_", 9) ? base + 9 : base;
    c->rng = (c->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    campaign_watch();
    c->host_busy = 1;
    campaign_discover(c);
    while (c->ops < c->most_ops) {
        campaign_episode(c);
    }
    printf("%s %" PRIu64 " %" PRIu64 " ok\n", c->device, c->seed, c->ops);
    return 0;
}
