// The code lies in areas of blocks of its own, in which the collector marks and sweeps it as it does
// objects, but puts none.
#include <string.h>

#include "py/gc.h"
#include "py/mpstate.h"
#include "py/persistentcode.h"
#include "py/runtime.h"

#include "cpu/io.h"
#include "frames/frames.h"
#include "mpy/blocks.h"
#include "mpy/collect.h"
#include "mpy/native.h"
#include "memory/space.h"
#include "panic.h"

enum {
    AREA_FRAMES = 16,       // at least
    WORDS_PER_FRAME = FRAMES_SIZE / BLOCKS_SIZE / BLOCKS_WORD,
};

// In frames of its own: this and its words, writable; then the code.
typedef struct {
    blocks_area_t blocks;
    uint64_t frames;
    blocks_word_t words[];
} native_area_t;

// They are the end of the list of areas.
static size_t used_after_collection;

void native_reset(void) {
    used_after_collection = 0;
}

static native_area_t *next_of(const blocks_area_t *area) {
    return (native_area_t *)area->next;
}

static native_area_t *first_area(void) {
    return next_of(&blocks_grown);
}

static native_area_t *add_area(size_t blocks) {
    uint64_t code_frames = MAX((blocks * BLOCKS_SIZE + FRAMES_SIZE - 1) / FRAMES_SIZE, AREA_FRAMES - 1);
    uint64_t table_size = sizeof(native_area_t) + code_frames * WORDS_PER_FRAME * sizeof(blocks_word_t);
    uint64_t table_frames = (table_size + FRAMES_SIZE - 1) / FRAMES_SIZE;
    uint64_t frames = code_frames + table_frames;
    uint64_t addr = space_ready() ? frames_alloc_kernel(frames, FRAMES_SIZE, SPACE_IDENTITY_END) : FRAMES_FAILED(FRAMES_NO_MAP);
    if (frames_failed(addr)) {
        return NULL;
    }
    uint64_t code = addr + table_frames * FRAMES_SIZE;
    if (space_protect(addr, table_frames, PAGING_WRITE | PAGING_OWN) != PAGING_OK
        || space_protect(code, code_frames, PAGING_EXECUTE | PAGING_OWN) != PAGING_OK) {
        space_protect(addr, frames, PAGING_WRITE | PAGING_DISOWN);
        frames_free_kernel(addr, frames);
        return NULL;
    }
    native_area_t *area = (native_area_t *)addr;
    memset(area, 0, table_frames * FRAMES_SIZE);
    area->frames = frames;
    area->blocks = (blocks_area_t) {
        code, code_frames *WORDS_PER_FRAME *BLOCKS_WORD, area->words, blocks_grown.next,
    };
    blocks_grown.next = &area->blocks;
    blocks_changed();
    return area;
}

static void free_area(native_area_t *area) {
    uint64_t frames = area->frames;
    if (space_protect((uint64_t)area, frames, PAGING_WRITE | PAGING_DISOWN) != PAGING_OK
        || frames_free_kernel((uint64_t)area, frames) != FRAMES_OK) {
        panic("native code's frames were not its own");
    }
}

void native_free(void) {
    while (first_area() != NULL) {
        native_area_t *area = first_area();
        blocks_grown.next = area->blocks.next;
        free_area(area);
    }
}

static uint8_t *find_room(size_t blocks) {
    for (native_area_t *area = first_area(); area != NULL; area = next_of(&area->blocks)) {
        uint8_t *place = blocks_alloc_in(&area->blocks, blocks);
        if (place != NULL) {
            return place;
        }
    }
    return NULL;
}

static size_t total_used(void) {
    size_t used = 0;
    for (native_area_t *area = first_area(); area != NULL; area = next_of(&area->blocks)) {
        used += blocks_used(&area->blocks);
    }
    return used;
}

void *native_commit(void *code, size_t size, void *reloc) {
    size_t blocks = (MAX(size, 1) + BLOCKS_SIZE - 1) / BLOCKS_SIZE;
    uint8_t *place = find_room(blocks);
    if (place == NULL && total_used() > 2 * used_after_collection && MP_STATE_MEM(gc_auto_collect_enabled)) {
        collect_for_room();
        place = find_room(blocks);
    }
    if (place == NULL) {
        native_area_t *area = add_area(blocks);
        if (area == NULL) {
            m_malloc_fail(size);
        }
        place = blocks_alloc_in(&area->blocks, blocks);
    }
    if (reloc != NULL) {
        mp_native_relocate(reloc, code, (uintptr_t)place);
        // It has functions inside, and nothing need point to its start.
        uint64_t bit;
        blocks_word_of(blocks_area_of(place), place, &bit)->finaliser |= bit;
    }
    // No mapping is ever writable and executable: the CPU is told to write to a read-only page.
    uint64_t irq_state = cpu_irq_save();
    cpu_set_cr0(cpu_cr0() & ~(uint64_t)CPU_CR0_WP);
    memcpy(place, code, size);
    memset(place + size, 0, blocks * BLOCKS_SIZE - size);
    cpu_set_cr0(cpu_cr0() | CPU_CR0_WP);
    cpu_irq_restore(irq_state);
    return place;
}

void native_collect_roots(void) {
    for (native_area_t *area = first_area(); area != NULL; area = next_of(&area->blocks)) {
        for (size_t i = 0; i < area->blocks.count / BLOCKS_WORD; ++i) {
            for (uint64_t pinned = area->words[i].finaliser; pinned != 0; pinned &= pinned - 1) {
                size_t block = i * BLOCKS_WORD + __builtin_ctzll(pinned);
                uint64_t place = area->blocks.start + block * BLOCKS_SIZE;
                blocks_mark(&place, 1, false);
            }
        }
    }
}

void native_settle(void) {
    for (blocks_area_t *prev = &blocks_grown; prev->next != NULL;) {
        native_area_t *area = next_of(prev);
        if (blocks_end(&area->blocks) == 0) {
            prev->next = area->blocks.next;
            free_area(area);
        } else {
            prev = prev->next;
        }
    }
    blocks_changed();
    used_after_collection = total_used();
}

bool native_contains(uint64_t va) {
    for (const native_area_t *area = first_area(); area != NULL; area = next_of(&area->blocks)) {
        if (va - area->blocks.start < area->blocks.count * BLOCKS_SIZE) {
            return true;
        }
    }
    return false;
}

size_t native_frames(void) {
    size_t frames = 0;
    for (const native_area_t *area = first_area(); area != NULL; area = next_of(&area->blocks)) {
        frames += area->frames;
    }
    return frames;
}
