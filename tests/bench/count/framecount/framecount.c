// framecount: what frames_alloc() and frames_free() execute, call and return included, by the TSC
// under -icount, which counts instructions; and empty functions to compare the calls from Python with.
#include <string.h>

#include "py/runtime.h"

#include "cpu/io.h"
#include "frames/frames.h"

#define HELD 8192
#define STEPS 20000
#define LONGEST 4096 // instructions; longer calls count as this

static uint64_t held[HELD];
static uint32_t alloc_counts[LONGEST], free_counts[LONGEST];

static uint32_t next_random(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void note(uint32_t *counts, uint64_t instructions) {
    ++counts[MIN(instructions, LONGEST - 1)];
}

static mp_obj_t median(const uint32_t *counts) {
    uint32_t seen = 0;
    mp_int_t i = 0;
    while ((seen += counts[i]) * 2 < STEPS) {
        ++i;
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

// Three instructions: the call, a move, the return.
#define NOTHING_COUNT 3
static MP_NOINLINE frames_status_t nothing(uint64_t addr) {
    return (frames_status_t)addr;
}

static void must(bool good) {
    if (!good) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the allocator refused"));
    }
}

// random() -> (median of alloc, median of free): pairs of a free and an alloc at random, on memory
// of which half the frames, strewn over it, are allocated. The machine must have about 64 MiB.
static mp_obj_t framecount_random(void) {
    memset(alloc_counts, 0, sizeof(alloc_counts));
    memset(free_counts, 0, sizeof(free_counts));
    // Every other frame of twice as many is given back, in a random order.
    for (size_t i = 0; i < HELD; ++i) {
        held[i] = frames_alloc();
        must(!frames_failed(held[i]));
    }
    for (size_t i = 0; i < HELD; ++i) {
        size_t other = next_random() % HELD;
        uint64_t addr = held[i];
        held[i] = held[other];
        held[other] = addr;
    }
    for (size_t i = HELD / 2; i < HELD; ++i) {
        must(frames_free(held[i]) == FRAMES_OK);
    }
    // Calls through pointers that the compiler cannot see through, as from another file.
    uint64_t(*volatile alloc)(void) = frames_alloc;
    frames_status_t(*volatile give_back)(uint64_t) = frames_free;
    frames_status_t(*volatile do_nothing)(uint64_t) = nothing;
    uint64_t start = cpu_tsc();
    frames_status_t none = do_nothing(held[0]);
    // What is counted without the call itself, which counts from its first instruction to its return.
    uint64_t around = cpu_tsc() - start - NOTHING_COUNT;
    must(none == (frames_status_t)held[0]);
    for (size_t i = 0; i < STEPS; ++i) {
        size_t slot = next_random() % (HELD / 2);
        uint64_t t0 = cpu_tsc();
        frames_status_t status = give_back(held[slot]);
        uint64_t t1 = cpu_tsc();
        must(status == FRAMES_OK);
        uint64_t t2 = cpu_tsc();
        held[slot] = alloc();
        uint64_t t3 = cpu_tsc();
        must(!frames_failed(held[slot]));
        note(free_counts, t1 - t0 - around);
        note(alloc_counts, t3 - t2 - around);
    }
    for (size_t i = 0; i < HELD / 2; ++i) {
        must(frames_free(held[i]) == FRAMES_OK);
    }
    mp_obj_t medians[] = { median(alloc_counts), median(free_counts) };
    return mp_obj_new_tuple(2, medians);
}
static MP_DEFINE_CONST_FUN_OBJ_0(framecount_random_obj, framecount_random);

static mp_obj_t framecount_empty0(void) {
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_0(framecount_empty0_obj, framecount_empty0);

static mp_obj_t framecount_empty1(mp_obj_t addr) {
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(framecount_empty1_obj, framecount_empty1);

static const mp_rom_map_elem_t framecount_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_framecount) },
    { MP_ROM_QSTR(MP_QSTR_random), MP_ROM_PTR(&framecount_random_obj) },
    { MP_ROM_QSTR(MP_QSTR_empty0), MP_ROM_PTR(&framecount_empty0_obj) },
    { MP_ROM_QSTR(MP_QSTR_empty1), MP_ROM_PTR(&framecount_empty1_obj) },
};
static MP_DEFINE_CONST_DICT(framecount_globals, framecount_globals_table);

const mp_obj_module_t framecount_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&framecount_globals,
};
MP_REGISTER_MODULE(MP_QSTR_framecount, framecount_module);
