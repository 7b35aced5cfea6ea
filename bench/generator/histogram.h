/* How long things took: buckets under 1 % wide, from a nanosecond to centuries. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum {
    STEPS = 128,  /* buckets of a power of two */
    BUCKETS = STEPS * 58,
};

typedef struct {
    uint64_t count[BUCKETS], all, worst;
} Histogram;

static void note(Histogram *histogram, uint64_t ns) {
    int shift = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - 7;
    histogram->count[(shift << 7) + (ns >> shift)]++;
    histogram->all++;
    if (ns > histogram->worst) histogram->worst = ns;
}

/* After the first STEPS values each bucket i is of shift i / STEPS - 1 and begins at STEPS + i % STEPS. */
static uint64_t upper_bound(uint64_t bucket) {
    if (bucket < 2 * STEPS) return bucket + 1;
    uint64_t shift = bucket / STEPS - 1;
    return (STEPS + bucket % STEPS + 1) << shift;
}

static void print_histogram(const char *name, const Histogram *histogram) {
    const char *comma = "";
    printf(",\"%s\":[", name);
    for (uint64_t i = 0; i < BUCKETS; i++)
        if (histogram->count[i]) {
            printf("%s[%llu,%llu]", comma, (unsigned long long)upper_bound(i), (unsigned long long)histogram->count[i]);
            comma = ",";
        }
    printf("],\"%s_worst\":%llu", name, (unsigned long long)histogram->worst);
}

#endif
