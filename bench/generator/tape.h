/* What is played: frames that were encoded before, and the places in them that differ from play to play. */
#ifndef TAPE_H
#define TAPE_H

#include "wire.h"

typedef struct {
    uint32_t length, opaque_at, digits, messages, places, *place;
    char *bytes;
} Frame;

typedef struct {
    uint32_t count;
    Frame *frames;
} Tape;

static uint32_t next_number(FILE *file) {
    uint32_t value;
    if (fread(&value, 4, 1, file) != 1) fail("the tape ends early");
    return value;
}

static Tape read_tape(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    Tape found = {next_number(file), 0};
    found.frames = must(calloc(found.count, sizeof *found.frames));
    for (uint32_t i = 0; i < found.count; i++) {
        Frame *frame = &found.frames[i];
        frame->length = next_number(file);
        frame->opaque_at = next_number(file);
        frame->digits = next_number(file);
        frame->messages = next_number(file);
        frame->places = next_number(file);
        frame->place = must(malloc(4 * frame->places + 1));
        for (uint32_t k = 0; k < frame->places; k++) frame->place[k] = next_number(file);
        frame->bytes = must(malloc(frame->length));
        if (fread(frame->bytes, 1, frame->length, file) != frame->length) fail(path);
    }
    fclose(file);
    return found;
}

#endif
