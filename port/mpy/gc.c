// The collector and allocator of MicroPython's objects, in the place of upstream's py/gc.c, whose
// interface and rules it has: py/gc.h. The memory is that of blocks.c.
#include <assert.h>
#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"
#include "extmod/vfs_fat.h"
#include "lib/oofatfs/ff.h"

#include "mpy/blocks.h"
#include "mpy/callback.h"
#include "mpy/collect.h"
#include "mpy/heap.h"
#include "mpy/interrupt.h"
#include "mpy/versions.h"

// A collection is worth its time when this part of the heap has been allocated since the last one.
#define WORTH 8

_Static_assert(BLOCKS_SIZE == MICROPY_BYTES_PER_GC_BLOCK, "gc.threshold() counts in blocks");
_Static_assert(!MICROPY_ENABLE_PYSTACK, "its stack is no root");

// All that MicroPython keeps about its heap: statistics, which are not the collector's; areas, their
// bounds and a stack, which are not used; then whether to collect, two numbers for gc.threshold(), the
// last area and how many objects have been collected.
#define STATISTICS (MICROPY_MEM_STATS ? 3 : 0)
#define BOUNDS (VERSION_GC_BOUNDS ? 2 : 0)
_Static_assert(sizeof(mp_state_mem_t) == sizeof(mp_state_mem_area_t)
    + (STATISTICS + BOUNDS + 1 + 2 * MICROPY_ALLOC_GC_STACK_SIZE + 1 + 2 + 1 + 1) * sizeof(size_t),
    "MicroPython keeps something about its heap that gc.c does not know");

void gc_init(void *start, void *end) {
    blocks_init(start, end);
    MP_STATE_THREAD(gc_lock_depth) = 0;
    MP_STATE_MEM(gc_auto_collect_enabled) = 1;
    MP_STATE_MEM(gc_alloc_threshold) = (size_t)-1;
    MP_STATE_MEM(gc_alloc_amount) = 0;
}

void gc_lock(void) {
    MP_STATE_THREAD(gc_lock_depth) += 1 << GC_LOCK_DEPTH_SHIFT;
}

void gc_unlock(void) {
    MP_STATE_THREAD(gc_lock_depth) -= 1 << GC_LOCK_DEPTH_SHIFT;
}

bool gc_is_locked(void) {
    return MP_STATE_THREAD(gc_lock_depth) != 0;
}

// Of interrupt_count(), when marking began.
static unsigned callbacks;
static bool all_marked;

static void start(void) {
    MP_STATE_THREAD(gc_lock_depth) |= GC_COLLECT_FLAG;
    callbacks = interrupt_count();
    all_marked = false;
    blocks_mark_begin();
}

static void mark_state(void) {
    // Upstream puts the root pointers of the state into one row.
    const uint64_t *roots = (const uint64_t *)&mp_state_ctx.thread.dict_locals;
    blocks_mark(roots, (const uint64_t *)&mp_state_ctx.vm.qstr_last_chunk - roots, false);
}

void gc_collect_start(void) {
    start();
    MP_STATE_MEM(gc_alloc_amount) = 0;
    mark_state();
}

// A FAT file leads to its file system by an address in the middle of that.
static void mark_file_systems(void) {
    for (const blocks_area_t *area = &blocks_first; area != blocks_grown.next; area = area->next) {
        const blocks_word_t *end = area->words + area->count / BLOCKS_WORD;
        for (const blocks_word_t *word = area->words; word < end; ++word) {
            uint64_t marked = word->finaliser == 0 ? 0 : word->finaliser & word->head & ~word->used;
            for (; marked != 0; marked &= marked - 1) {
                size_t block = (word - area->words) * BLOCKS_WORD + __builtin_ctzll(marked);
                const struct {
                    mp_obj_base_t base;
                    FIL file;
                } *obj = (const void *)(area->start + block * BLOCKS_SIZE);
                if (obj->base.type == &mp_type_vfs_fat_fileio || obj->base.type == &mp_type_vfs_fat_textio) {
                    blocks_mark((const uint64_t *)&obj->file.obj.fs, 1, true);
                }
            }
        }
    }
}

static void mark_end(void) {
    blocks_mark_end();
    mark_file_systems();
    blocks_mark_end();
    heap_free_mark_stack();
}

// Python has run since marking began, and may have put what was still to be found where all had been
// looked at. Nobody comes between this time.
static void mark_again(void) {
    interrupt_hold(true);
    blocks_mark_again();
    mark_state();
    collect_mark_roots();
    mark_end();
    interrupt_hold(false);
}

// Registers and stack. Of an object in use a compiler may keep no pointer but one into its middle.
void gc_collect_root(void **ptrs, size_t len) {
    blocks_mark((const uint64_t *)ptrs, len, true);
}

// False: it was ended by Ctrl-C.
static bool finalise(mp_obj_base_t *obj) {
    if (obj->type == NULL) {
        return true;
    }
    mp_obj_t dest[2];
    mp_load_method_maybe(MP_OBJ_FROM_PTR(obj), MP_QSTR___del__, dest);
    if (dest[0] == MP_OBJ_NULL) {
        return true;
    }
    mp_sched_lock();
    bool go_on = callback_call(dest[0], dest[1]);
    mp_sched_unlock();
    return go_on;
}

// Those that have not been reached and have this flag, until `act` says false. Who has not been reached
// after that either loses the flag. Returns whether there were any.
static bool for_dying(size_t flag_offset, bool (*act)(mp_obj_base_t *obj)) {
    bool any = false;
    for (const blocks_area_t *area = &blocks_first; area != blocks_grown.next; area = area->next) {
        const blocks_word_t *end = area->words + area->count / BLOCKS_WORD;
        for (blocks_word_t *word = area->words; word < end; ++word) {
            uint64_t *flags = (uint64_t *)((char *)word + flag_offset);
            uint64_t dying;
            while (*flags != 0 && (dying = *flags & word->head & word->used) != 0) {
                size_t block = (word - area->words) * BLOCKS_WORD + __builtin_ctzll(dying);
                any = true;
                if (!act((mp_obj_base_t *)(area->start + block * BLOCKS_SIZE))) {
                    return true;
                }
                *flags &= ~(dying & -dying & word->used);
            }
        }
    }
    return any;
}

// With what its finaliser needs, and be it in the middle of something.
static bool keep(mp_obj_base_t *obj) {
    size_t words = blocks_count(obj) * BLOCKS_SIZE / sizeof(uint64_t);
    uint64_t addr = (uint64_t)obj;
    blocks_mark(&addr, 1, false);
    blocks_mark((const uint64_t *)obj, words, true);
    return true;
}

// Whether there are any.
static bool keep_dying(size_t flag_offset) {
    blocks_mark_begin();
    bool any = for_dying(flag_offset, keep);
    if (any) {
        mark_end();
    }
    return any;
}

static void end_marking(void) {
    if (all_marked) {
        return;
    }
    all_marked = true;
    mark_end();
    if (interrupt_count() != callbacks) {
        mark_again();
    }
}

static void sweep(void) {
    MP_STATE_MEM(gc_collected) = blocks_sweep();
    MP_STATE_THREAD(gc_lock_depth) &= ~GC_COLLECT_FLAG;
}

void gc_collect_end(void) {
    end_marking();
    bool any = keep_dying(offsetof(blocks_word_t, finaliser));
    #if MICROPY_PY_WEAKREF
    any |= keep_dying(offsetof(blocks_word_t, weakref));
    #endif
    if (any) {
        collect_owe_calls();
    }
    sweep();
}

// What is to be finalised. There may be no memory for more than these.
static mp_obj_base_t *first_dying[32], **dying;
static size_t dying_count, dying_room;
static bool interrupted; // by Ctrl-C

static bool note(mp_obj_base_t *obj) {
    if (dying_count == dying_room) {
        mp_obj_base_t **more = heap_mark_stack(2 * dying_room * sizeof(*dying));
        if (more == NULL) {
            return false;
        }
        if (dying == first_dying) {
            memcpy(more, dying, sizeof(first_dying));
        }
        dying = more;
        dying_room *= 2;
    }
    dying[dying_count++] = obj;
    return true;
}

static void set_finaliser(void *ptr) {
    uint64_t bit;
    blocks_word_of(blocks_area_of(ptr), ptr, &bit)->finaliser |= bit;
}

// Those that come after what Ctrl-C ends wait for a collection to come. So do, as what they leave behind
// cannot be collected meanwhile, those for which the heap would grow time and again.
bool gc_collect_finalise(void) {
    end_marking();
    dying = first_dying;
    dying_count = 0;
    dying_room = MP_ARRAY_SIZE(first_dying);
    if (!for_dying(offsetof(blocks_word_t, finaliser), note)) {
        return false;
    }
    blocks_unmark();
    MP_STATE_THREAD(gc_lock_depth) &= ~GC_COLLECT_FLAG;
    size_t i = 0, size = blocks_grown.count;
    interrupted = false;
    while (i < dying_count && !interrupted && blocks_grown.count == size) {
        interrupted = !finalise(dying[i++]);
    }
    for (; i < dying_count; ++i) {
        set_finaliser(dying[i]);
    }
    heap_free_mark_stack();
    return true;
}

#if MICROPY_PY_WEAKREF
static bool lose(mp_obj_base_t *obj) {
    gc_weakref_about_to_be_freed(obj);
    return true;
}
#endif

bool gc_collect_end_at_rest(void) {
    end_marking();
    bool ended = interrupted;
    interrupted = false;
    if (keep_dying(offsetof(blocks_word_t, finaliser)) && !ended) {
        collect_owe_calls();
    }
    #if MICROPY_PY_WEAKREF
    // A reference that dies with its object has been taken out of the list by its own finaliser.
    for_dying(offsetof(blocks_word_t, weakref), lose);
    #endif
    sweep();
    return ended;
}

void gc_sweep_all(void) {
    start();
    for_dying(offsetof(blocks_word_t, finaliser), finalise);
    sweep();
}

// For tests: a collection before every so many allocations.
static void collect_at_times(void) {
    #ifdef GC_EVERY
    static unsigned count;
    if (MP_STATE_MEM(gc_auto_collect_enabled) && !gc_is_locked() && ++count >= GC_EVERY) {
        count = 0;
        collect_for_room();
    }
    #endif
}

static inline size_t blocks_for(size_t size) {
    return size / BLOCKS_SIZE + (size % BLOCKS_SIZE != 0);
}

// So little has been allocated since the last collection that another one would hardly find anything.
static bool just_collected(void) {
    size_t total = blocks_first.count + blocks_grown.count;
    return MP_STATE_MEM(gc_alloc_amount) < total / WORTH;
}

static __attribute__((noinline)) void *alloc_more(size_t blocks, bool collected) {
    void *ptr = NULL;
    if (!collected && just_collected() && heap_grow(blocks)) {
        ptr = blocks_alloc(blocks);
    }
    if (ptr == NULL && !collected) {
        collect_for_room();
        ptr = blocks_alloc(blocks);
    }
    if (ptr == NULL && heap_grow(blocks)) {
        ptr = blocks_alloc(blocks);
    }
    return ptr;
}

void *gc_alloc(size_t size, unsigned int flags) {
    collect_at_times();
    size_t blocks = blocks_for(size);
    if (blocks == 0 || MP_STATE_THREAD(gc_lock_depth) > 0) {
        return NULL;
    }
    bool collected = !MP_STATE_MEM(gc_auto_collect_enabled);
    if (MP_STATE_MEM(gc_alloc_amount) >= MP_STATE_MEM(gc_alloc_threshold) && !collected) {
        collect_for_room();
        collected = true;
    }
    char *ptr = blocks_alloc(blocks);
    if (ptr == NULL) {
        ptr = alloc_more(blocks, collected);
        if (ptr == NULL) {
            return NULL;
        }
    }
    MP_STATE_MEM(gc_alloc_amount) += blocks;
    // Nothing that has been left there leads to an object.
    if (blocks <= 2) {
        __builtin_memset(ptr, 0, BLOCKS_SIZE);
        __builtin_memset(ptr + (blocks - 1) * BLOCKS_SIZE, 0, BLOCKS_SIZE);
    } else {
        memset(ptr, 0, blocks * BLOCKS_SIZE);
    }
    if (flags & GC_ALLOC_FLAG_HAS_FINALISER) {
        set_finaliser(ptr);
    }
    return ptr;
}

void gc_free(void *ptr) {
    // At a soft reset finalisers run in the middle of a collection, and free at once, too.
    if (ptr != NULL && !(MP_STATE_THREAD(gc_lock_depth) & ~GC_COLLECT_FLAG)) {
        blocks_free(ptr);
    }
}

size_t gc_nbytes(const void *ptr) {
    return blocks_count(ptr) * BLOCKS_SIZE;
}

void *gc_realloc(void *ptr, size_t size, bool allow_move) {
    if (ptr == NULL) {
        return gc_alloc(size, 0);
    }
    if (size == 0) {
        gc_free(ptr);
        return NULL;
    }
    if (MP_STATE_THREAD(gc_lock_depth) > 0) {
        return NULL;
    }
    collect_at_times();
    size_t blocks = blocks_for(size);
    size_t before;
    if (blocks_resize(ptr, blocks, &before)) {
        if (blocks > before) {
            memset((char *)ptr + before * BLOCKS_SIZE, 0, (blocks - before) * BLOCKS_SIZE);
        }
        return ptr;
    }
    // Of memory that is not the heap's nobody can say how much there is.
    if (!allow_move || before == 0) {
        return NULL;
    }
    uint64_t bit;
    bool finaliser = blocks_word_of(blocks_area_of(ptr), ptr, &bit)->finaliser & bit;
    void *moved = gc_alloc(size, finaliser ? GC_ALLOC_FLAG_HAS_FINALISER : 0);
    if (moved != NULL) {
        memcpy(moved, ptr, before * BLOCKS_SIZE);
        gc_free(ptr);
    }
    return moved;
}

static void set_info(gc_info_t *info, const blocks_info_t *blocks) {
    *info = (gc_info_t) {
        .total = blocks->total * BLOCKS_SIZE,
        .used = blocks->used * BLOCKS_SIZE,
        .free = (blocks->total - blocks->used) * BLOCKS_SIZE,
        .max_free = blocks->longest_free,
        .num_1block = blocks->one_block,
        .num_2block = blocks->two_blocks,
        .max_block = blocks->longest_used,
        .max_new_split = gc_get_max_new_split(),
    };
}

void gc_info(gc_info_t *info) {
    blocks_info_t blocks;
    blocks_info(&blocks);
    set_info(info, &blocks);
}

// Of upstream's header since 1.29.
void gc_info_fast(gc_info_t *info);

void gc_info_fast(gc_info_t *info) {
    blocks_info_t blocks;
    blocks_totals(&blocks);
    set_info(info, &blocks);
}

#if MICROPY_PY_WEAKREF
void gc_weakref_mark(void *ptr) {
    uint64_t bit;
    blocks_word_of(blocks_area_of(ptr), ptr, &bit)->weakref |= bit;
}
#endif

void gc_dump_info(const mp_print_t *print) {
    gc_info_t info;
    gc_info(&info);
    mp_printf(print, "GC: total: " UINT_FMT ", used: " UINT_FMT ", free: " UINT_FMT ", max new split: " UINT_FMT
        "\n No. of 1-blocks: " UINT_FMT ", 2-blocks: " UINT_FMT ", max blk sz: " UINT_FMT ", max free sz: " UINT_FMT "\n",
        info.total, info.used, info.free, info.max_new_split,
        info.num_1block, info.num_2block, info.max_block, info.max_free);
}

static char letter_of(const blocks_area_t *area, size_t block) {
    const blocks_word_t *word = &area->words[block / BLOCKS_WORD];
    bool head = word->head >> block % BLOCKS_WORD & 1;
    if (!(word->used >> block % BLOCKS_WORD & 1)) {
        return head ? 'm' : '.';
    }
    if (!head) {
        return '=';
    }
    static const struct { const void *type;
                          char letter;
    } letters[] = {
        { &mp_type_tuple, 'T' }, { &mp_type_list, 'L' }, { &mp_type_dict, 'D' }, { &mp_type_str, 'S' },
        { &mp_type_bytes, 'S' }, { &mp_type_bytearray, 'A' }, { &mp_type_array, 'A' }, { &mp_type_float, 'F' },
        { &mp_type_fun_bc, 'B' }, { &mp_type_module, 'M' },
    };
    const void *type = *(void **)(area->start + block * BLOCKS_SIZE);
    for (size_t i = 0; i < MP_ARRAY_SIZE(letters); ++i) {
        if (letters[i].type == type) {
            return letters[i].letter;
        }
    }
    return 'h';
}

// A line for each word; two or more of them with nothing in use are one line together. A terminal made
// in Python may collect while it prints: what is there is looked at each time.
void gc_dump_alloc_table(const mp_print_t *print) {
    for (const blocks_area_t *area = &blocks_first; area != blocks_grown.next; area = area->next) {
        if (area->count == 0) {
            continue;
        }
        mp_printf(print, "GC memory layout; from %p:", (void *)area->start);
        for (size_t i = 0; i < area->count / BLOCKS_WORD; ++i) {
            size_t next = i;
            while (next < area->count / BLOCKS_WORD && (area->words[next].used | area->words[next].head) == 0) {
                ++next;
            }
            if (next - i >= 2) {
                mp_printf(print, "\n       (%u lines all free)", (uint)(next - i));
                i = next;
                if (i >= area->count / BLOCKS_WORD) {
                    break;
                }
            }
            char line[BLOCKS_WORD];
            for (size_t j = 0; j < BLOCKS_WORD; ++j) {
                line[j] = letter_of(area, i * BLOCKS_WORD + j);
            }
            mp_printf(print, "\n%08x: %.*s", (uint)(i * BLOCKS_WORD * BLOCKS_SIZE), BLOCKS_WORD, line);
        }
        mp_print_str(print, "\n");
    }
}
