// Frames of a line, all of its words at once.
#include "frames_line.h"
#include "frames_state.h"

#define ROW(n) { 0, 0, 0, 0, 0, 0, 0, 0, ALL << (n), ALL, ALL, ALL, ALL, ALL, ALL, ALL }

const uint64_t frames_above[8][2 * LINE_WORDS] = {
    ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7),
};
