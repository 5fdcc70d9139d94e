/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/pacing.h"

#include "base/clock.h"

enum { MS_PER_S = 1000, DOUBLING_MAX = 16, DIGITS_MAX = 10 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* 0 to `below` - 1. */
static int64_t draw(struct pacing_random *random, int64_t below)
{
    if (random->state == 0) random->state = 1;
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return below > 0 ? (int64_t)(random->state * UINT64_C(2685821657736338717) >> 1) % below : 0;
}

int64_t pacing_refresh_ms(struct pacing_random *random, int64_t left_s, int64_t refresh_s)
{
    const int64_t pause_s = most(least(left_s / 4 * 3, refresh_s), PACING_FIRST_RETRY_S);
    return most(pause_s * MS_PER_S - draw(random, pause_s * MS_PER_S / 10), (int64_t)PACING_FIRST_RETRY_S * MS_PER_S);
}

static int64_t bounded_hint_s(const struct pacing_hint *hint)
{
    return least(most(hint->retry_after_s, 0), PACING_RETRY_AFTER_MAX_S);
}

int64_t pacing_retry_ms(struct pacing_random *random, unsigned failures, int64_t left_s, const struct pacing_hint *hint)
{
    const unsigned doublings = failures == 0 ? 0 : failures - 1;
    const int64_t doubled_s = (int64_t)PACING_FIRST_RETRY_S << (doublings < DOUBLING_MAX ? doublings : DOUBLING_MAX);
    const int64_t maximum_s = left_s > 0 ? least(PACING_RETRY_MAX_S, left_s / 4) : PACING_MISS_RETRY_MAX_S;
    const int64_t pause_s = most(least(doubled_s, maximum_s), PACING_FIRST_RETRY_S);
    return most(pause_s, bounded_hint_s(hint)) * MS_PER_S + draw(random, pause_s * MS_PER_S / 2);
}

int64_t pacing_limited_ms(struct pacing_random *random, const struct pacing_hint *hint)
{
    const int64_t asked_s = bounded_hint_s(hint), pause_s = asked_s > 0 ? asked_s : PACING_LIMITED_S;
    return pause_s * MS_PER_S + draw(random, PACING_FIRST_RETRY_S * MS_PER_S);
}

enum status pacing_retry_after(struct slice value, int64_t now_s, int64_t *seconds_out)
{
    int64_t seconds = 0;
    if (value.size == 0) return ERR_ENCODING;
    if (time_parse_http(value, &seconds) == OK) {
        *seconds_out = least(most(seconds - now_s, 0), PACING_RETRY_AFTER_MAX_S);
        return OK;
    }
    if (value.size > DIGITS_MAX) return ERR_ENCODING;
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') return ERR_ENCODING;
        seconds = seconds * 10 + (value.bytes[i] - '0');
    }
    *seconds_out = least(seconds, PACING_RETRY_AFTER_MAX_S);
    return OK;
}
