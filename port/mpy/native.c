// The code lies in areas of the split heap whose free blocks look used to gc.c, so that it puts no
// objects there but marks and sweeps the code as it does everything else.
#include <string.h>

#include "py/gc.h"
#include "py/mpstate.h"
#include "py/persistentcode.h"
#include "py/runtime.h"

#include "cpu/io.h"
#include "frames/frames.h"
#include "mpy/native.h"
#include "memory/space.h"
#include "panic.h"

#define BLOCK MICROPY_BYTES_PER_GC_BLOCK

enum {
    AREA_FRAMES = 16,       // at least
    BLOCKS_PER_FRAME = FRAMES_SIZE / BLOCK,
    // What lies before the code, in bytes: at most 4 bits of each block in gc.c's tables, one for
    // whether code starts there and one for whether it stays for good; of these frames' blocks, too.
    TABLES_SIZE = 512,
    TABLES_PER_FRAME = 6 * BLOCKS_PER_FRAME / 8 + 4,
    // gc.c's kinds.
    KIND_FREE = 0,
    KIND_HEAD = 1,
    KIND_TAIL = 2,
    KIND_MARK = 3,
};

// In frames of its own: this, gc.c's area and its tables, writable; then the code, which gc.c has at
// its pool's end, behind a few blocks that nobody uses.
typedef struct native_area {
    mp_state_mem_area_t *gc;
    struct native_area *next;
    uint64_t frames;
    size_t first;           // block that can have code
    size_t blocks;
    size_t used;            // blocks of code
    uint8_t *code;          // one bit per block
    uint8_t *pinned;
    uint8_t bits[];
} native_area_t;

static native_area_t *areas;
static size_t used_after_collection;

void native_reset(void) {
    areas = NULL;
    used_after_collection = 0;
}

static unsigned kind_of(const native_area_t *area, size_t block) {
    return area->gc->gc_alloc_table_start[block / 4] >> (2 * (block & 3)) & 3;
}

static void set_kind(native_area_t *area, size_t block, unsigned kind) {
    uint8_t *byte = &area->gc->gc_alloc_table_start[block / 4];
    unsigned shift = 2 * (block & 3);
    *byte = (*byte & ~(3 << shift)) | kind << shift;
}

static bool get_bit(const uint8_t *bits, size_t block) {
    return bits[block / 8] >> (block & 7) & 1;
}

static void set_bit(uint8_t *bits, size_t block, bool value) {
    bits[block / 8] = (bits[block / 8] & ~(1 << (block & 7))) | value << (block & 7);
}

static uint8_t *pool_of(const native_area_t *area) {
    return area->gc->gc_pool_start;
}

static uint8_t *code_of(const native_area_t *area) {
    return pool_of(area) + area->first * BLOCK;
}

// What is not code becomes as few pieces as can be that gc.c takes for objects.
static void fill_free(native_area_t *area) {
    bool in_code = false;
    bool in_free = false;
    area->used = 0;
    for (size_t block = 0; block < area->blocks; ++block) {
        unsigned kind = kind_of(area, block);
        bool code = get_bit(area->code, block);
        if (kind == KIND_HEAD && code) {
            in_code = true;
        } else if (kind != KIND_TAIL || !in_code) {
            in_code = false;
        }
        if (in_code) {
            in_free = false;
            area->used += 1;
            continue;
        }
        set_bit(area->code, block, false);
        set_bit(area->pinned, block, false);
        set_kind(area, block, in_free && block != area->first ? KIND_TAIL : KIND_HEAD);
        in_free = true;
    }
    area->gc->gc_last_used_block = area->blocks - 1;
}

static native_area_t *add_area(size_t size) {
    uint64_t code_frames = MAX((size + FRAMES_SIZE - 1) / FRAMES_SIZE, AREA_FRAMES - 1);
    uint64_t table_frames = (TABLES_SIZE + code_frames * TABLES_PER_FRAME + FRAMES_SIZE - 1) / FRAMES_SIZE;
    uint64_t frames = code_frames + table_frames;
    uint64_t addr = space_ready() ? frames_alloc_kernel(frames, FRAMES_SIZE, SPACE_IDENTITY_END) : FRAMES_FAILED(FRAMES_NO_MAP);
    if (frames_failed(addr)) {
        return NULL;
    }
    uint64_t code = addr + table_frames * FRAMES_SIZE;
    if (paging_protect(&space, addr, table_frames, PAGING_WRITE | PAGING_OWN) != PAGING_OK
        || paging_protect(&space, code, code_frames, PAGING_EXECUTE | PAGING_OWN) != PAGING_OK) {
        paging_protect(&space, addr, frames, PAGING_WRITE | PAGING_DISOWN);
        frames_free_kernel(addr, frames);
        return NULL;
    }
    native_area_t *area = (native_area_t *)addr;
    memset(area, 0, table_frames * FRAMES_SIZE);
    area->frames = frames;
    area->code = area->bits;
    area->pinned = area->code + frames * BLOCKS_PER_FRAME / 8;
    area->gc = (mp_state_mem_area_t *)(area->pinned + frames * BLOCKS_PER_FRAME / 8);
    gc_add(area->gc, (void *)(addr + frames * FRAMES_SIZE));
    if ((uint64_t)pool_of(area) > code) {
        panic("gc.c has larger tables than native.c has room for");
    }
    area->first = (code - (uint64_t)pool_of(area)) / BLOCK;
    area->blocks = area->gc->gc_alloc_table_byte_len * 4;
    fill_free(area);
    area->next = areas;
    areas = area;
    return area;
}

static void free_area(native_area_t *area) {
    uint64_t frames = area->frames;
    if (paging_protect(&space, (uint64_t)area, frames, PAGING_WRITE | PAGING_DISOWN) != PAGING_OK
        || frames_free_kernel((uint64_t)area, frames) != FRAMES_OK) {
        panic("native code's frames were not its own");
    }
}

static uint8_t *find_room(size_t blocks, native_area_t **found) {
    for (native_area_t *area = areas; area != NULL; area = area->next) {
        for (size_t block = area->first; block < area->blocks;) {
            size_t start = block++;
            while (block < area->blocks && kind_of(area, block) == KIND_TAIL) {
                ++block;
            }
            if (!get_bit(area->code, start) && block - start >= blocks) {
                if (block - start > blocks) {
                    set_kind(area, start + blocks, KIND_HEAD);
                }
                set_bit(area->code, start, true);
                area->used += blocks;
                *found = area;
                return pool_of(area) + start * BLOCK;
            }
        }
    }
    return NULL;
}

static size_t total_used(void) {
    size_t used = 0;
    for (native_area_t *area = areas; area != NULL; area = area->next) {
        used += area->used;
    }
    return used;
}

void *native_commit(void *code, size_t size, void *reloc) {
    size_t blocks = (size + BLOCK - 1) / BLOCK;
    native_area_t *area;
    uint8_t *place = find_room(blocks, &area);
    if (place == NULL && total_used() > 2 * used_after_collection && MP_STATE_MEM(gc_auto_collect_enabled)) {
        gc_collect();
        place = find_room(blocks, &area);
    }
    if (place == NULL) {
        if (add_area(blocks * BLOCK) != NULL) {
            place = find_room(blocks, &area);
        }
        if (place == NULL) {
            m_malloc_fail(size);
        }
    }
    if (reloc != NULL) {
        mp_native_relocate(reloc, code, (uintptr_t)place);
        // It has functions inside, and nothing need point to its start.
        set_bit(area->pinned, (place - pool_of(area)) / BLOCK, true);
    }
    // No mapping is ever writable and executable: the CPU is told to write to a read-only page.
    uint64_t irq_state = cpu_irq_save();
    cpu_set_cr0(cpu_cr0() & ~(uint64_t)CPU_CR0_WP);
    memcpy(place, code, size);
    memset(place + size, 0, blocks * BLOCK - size);
    cpu_set_cr0(cpu_cr0() | CPU_CR0_WP);
    cpu_irq_restore(irq_state);
    return place;
}

void native_collect_begin(void) {
    for (native_area_t *area = areas; area != NULL; area = area->next) {
        for (size_t block = 0; block < area->blocks; ++block) {
            if (kind_of(area, block) == KIND_HEAD && !get_bit(area->code, block)) {
                set_kind(area, block, KIND_MARK);
            }
        }
    }
}

void native_collect_roots(void) {
    for (native_area_t *area = areas; area != NULL; area = area->next) {
        for (size_t block = 0; block < area->blocks; ++block) {
            if (get_bit(area->pinned, block)) {
                void *place = pool_of(area) + block * BLOCK;
                gc_collect_root(&place, 1);
            }
        }
    }
}

static void unlink_from_gc(native_area_t *area) {
    for (mp_state_mem_area_t *prev = &MP_STATE_MEM(area); prev->next != NULL; prev = prev->next) {
        if (prev->next == area->gc) {
            prev->next = area->gc->next;
            return;
        }
    }
}

void native_settle(void) {
    for (native_area_t **link = &areas; *link != NULL;) {
        native_area_t *area = *link;
        fill_free(area);
        if (area->used == 0) {
            *link = area->next;
            unlink_from_gc(area);
            free_area(area);
        } else {
            link = &area->next;
        }
    }
    used_after_collection = total_used();
}

bool native_contains(uint64_t va) {
    for (const native_area_t *area = areas; area != NULL; area = area->next) {
        if (va >= (uint64_t)code_of(area) && va < (uint64_t)area->gc->gc_pool_end) {
            return true;
        }
    }
    return false;
}

size_t native_frames(void) {
    size_t frames = 0;
    for (const native_area_t *area = areas; area != NULL; area = area->next) {
        frames += area->frames;
    }
    return frames;
}
