/* Numbers in frames, the clock, and the end of a program that can't go on. */
#ifndef WIRE_H
#define WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what) {
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *must(void *memory) {
    if (!memory) fail("memory");
    return memory;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static double own_cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static uint32_t get32(const char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static void put32(char *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static void put_digits(char *at, uint32_t value) {
    for (int i = 9; i >= 0; i--, value /= 10) at[i] = '0' + value % 10;
}

static void put_hex(char *at, uint32_t value) {
    for (int i = 7; i >= 0; i--, value >>= 4) at[i] = "0123456789ABCDEF"[value & 15];
}

static uint32_t get_hex(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 4 | (at[i] <= '9' ? at[i] - '0' : at[i] - 'A' + 10);
    return value;
}

static uint64_t number_after(const char *header, size_t length, const char *name) {
    char *at = memmem(header, length, name, strlen(name));
    if (!at) return UINT64_MAX;
    at += strlen(name);
    return strtoull(*at == '"' ? at + 1 : at, 0, 10);
}

#endif
