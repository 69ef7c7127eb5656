// Counts, the heat map and the free runs. Nothing here allocates.
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_mixed.h"
#include "frames_quiesce.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_text.h"

// --- Counting -------------------------------------------------------------------------------

// The chunk is free as a whole.
static bool is_free_chunk(size_t slot) {
    return is(FREE, slot) || frames_is_reserved(UNIT, slot / UNIT_SLOTS, UINT64_C(1) << slot % GROUP_SLOTS);
}

// The free frames of a word, with those that CPUs have claimed.
static uint64_t free_mask(size_t word) {
    size_t slot = word / LINE_WORDS;
    if (slot >= self.ready || is_free_chunk(slot)) {
        return frames_valid(word);
    }
    if (is(HUGE, slot)) {
        return 0;
    }
    uint64_t w = GET(&self.bits[word]) & (is(EDGE, slot) ? frames_valid(word) : ALL);
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        const struct reservation *r = &self.cpu[i].reservation[WORD];
        if (GET(&r->index) == word) {
            w |= GET(&r->mask);
        }
    }
    return w;
}

static uint64_t free_of_slot(size_t slot) {
    if (is(HUGE, slot)) {
        return is_free_chunk(slot) ? 512 : 0;
    }
    uint64_t count = 0;
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        count += ones(free_mask(slot * LINE_WORDS + k));
    }
    return count;
}

// All of a chunk that is in use can be free while a CPU still takes frames from it.
static void count_slot(frames_stats_t *stats, size_t slot) {
    uint64_t count = free_of_slot(slot);
    stats->free += count;
    stats->free_2m += count == 512;
}

// The chunk that a CPU's word is in, or NONE.
static size_t reserved_slot(unsigned cpu) {
    size_t word = GET(&self.cpu[cpu].reservation[WORD].index);
    return word == NONE ? NONE : word / LINE_WORDS;
}

// Frames that are not ready yet, and the 2 MiB frames in them.
static void count_untouched(frames_stats_t *stats) {
    for (size_t i = 0, k = 0; i < self.segment_count; ++i) {
        const struct segment *s = &self.segments[i];
        uint64_t start = s->first + s->count, end = s->first + s->total;
        while (k < self.region_count && self.regions[k].end <= start) {
            ++k;
        }
        for (size_t n = k; n < self.region_count && self.regions[n].start < end; ++n) {
            const struct region *r = &self.regions[n];
            uint64_t from = r->start > start ? r->start : start;
            uint64_t to = r->end < end ? r->end : end;
            if (from < to) {
                stats->free += to - from;
                from = round_up(from, 512);
                to &= ~UINT64_C(511);
                stats->free_2m += from < to ? (to - from) / 512 : 0;
            }
        }
    }
}

frames_status_t frames_stats(frames_stats_t *stats) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    frames_lock();
    frames_expose();
    *stats = (frames_stats_t) {
        .reserved = self.reserved,
        .metadata = self.metadata + sizeof(struct state),
        .metadata_frames = self.metadata_frames,
        .metadata_addr = self.metadata_addr,
        .regions = self.region_count,
        .cpus = self.cpus,
    };
    for (size_t i = 0; i < self.region_count; ++i) {
        stats->total += self.regions[i].end - self.regions[i].start;
    }
    for (size_t slot = 0; slot < self.ready; slot += GROUP_SLOTS) {
        const struct group *group = &self.groups[slot / GROUP_SLOTS];
        uint64_t whole = GET(&group->is[FREE]);
        stats->free += (uint64_t)ones(whole) * 512;
        stats->free_2m += ones(whole);
        for (uint64_t w = GET(&group->is[PARTIAL]) & ~whole; w; w &= w - 1) {
            count_slot(stats, slot + lowest(w));
        }
    }
    // What CPUs have reserved: chunks, and frames in chunks that have no others.
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        size_t slot = reserved_slot(i);
        bool counted = slot == NONE || is(PARTIAL, slot);
        for (unsigned k = 0; !counted && k < i; ++k) {
            counted = reserved_slot(k) == slot;
        }
        if (!counted) {
            count_slot(stats, slot);
        }
        unsigned chunks = ones(GET(&self.cpu[i].reservation[UNIT].mask));
        stats->free += (uint64_t)chunks * 512;
        stats->free_2m += chunks;
    }
    count_untouched(stats);
    frames_unlock();
    return FRAMES_OK;
}

static frames_kind_t kind_of(uint64_t frame) {
    const struct segment *s = frames_segment(frame);
    if (s == NULL) {
        // Not ready yet, or nowhere.
        return frames_owned(frame, frame + 1) ? FRAMES_FREE : FRAMES_OUTSIDE;
    }
    uint64_t bit = frame - s->first + s->bit, mask = UINT64_C(1) << bit % 64;
    size_t word = (size_t)(bit / 64), slot = word / LINE_WORDS;
    if (!(frames_valid(word) & mask)) {
        return FRAMES_OUTSIDE;
    }
    if (free_mask(word) & mask) {
        return FRAMES_FREE;
    }
    if (is(KERNEL, slot) && (is(HUGE, slot) || (frames_kernel_mask(word) & mask))) {
        return FRAMES_KERNELS;
    }
    return !is(HUGE, slot) ? FRAMES_SINGLE : is(EDGE, slot) ? FRAMES_IN_1G : FRAMES_IN_2M;
}

frames_kind_t frames_kind(uint64_t addr) {
    FRAMES_ASSERT_CONTEXT();
    if (addr % FRAMES_SIZE) {
        return FRAMES_MISALIGNED;
    }
    if (frames_not_ready() != FRAMES_OK) {
        return FRAMES_OUTSIDE;
    }
    frames_lock();
    frames_kind_t kind = kind_of(addr / FRAMES_SIZE);
    frames_unlock();
    return kind;
}

// --- The heat map ---------------------------------------------------------------------------

// What a cell of [bit, bit + count) looks like.
static char cell(uint64_t bit, uint64_t count) {
    uint64_t free = 0, owned = 0;
    for (uint64_t end = bit + count; bit < end;) {
        size_t slot = (size_t)(bit / 512);
        if (slot >= self.slots) {
            break;
        }
        if (slot >= self.ready) {
            // Not touched yet: all of it is free.
            const struct segment *s = frames_segment_of_bit(bit);
            uint64_t stop = s->bit + s->total < end ? s->bit + s->total : end;
            uint64_t from = bit > s->bit ? bit : s->bit;
            if (from < stop) {
                uint64_t more = frames_owned(s->first - s->bit + from, s->first - s->bit + stop);
                owned += more;
                free += more;
            }
            bit = stop < end ? round_up(stop, 512) : end;
        } else if (bit % 512 == 0 && end - bit >= 512 && !is(EDGE, slot)) {
            owned += 512;
            free += free_of_slot(slot);
            bit += 512;
        } else {
            owned += ones(frames_valid((size_t)(bit / 64)));
            free += ones(free_mask((size_t)(bit / 64)));
            bit += 64;
        }
    }
    if (owned == 0) {
        return 'R';
    }
    return free == owned ? '.' : free == 0 ? '#' : 2 * free >= owned ? '-' : '+';
}

frames_status_t frames_show(frames_print_t print, void *context, unsigned columns, unsigned rows) {
    frames_stats_t stats;
    frames_status_t status = frames_stats(&stats);
    if (status != FRAMES_OK) {
        return status;
    }
    struct out out = { .print = print, .context = context };
    // An address of up to 13 digits and two blanks, then a power of two of cells.
    unsigned width = 8;
    while (width * 2 + 15 <= columns) {
        width *= 2;
    }
    rows = rows > 3 ? rows - 2 : 1;
    uint64_t bits = (uint64_t)self.slots * 512, per_cell = 64;
    while (bits > per_cell * width * rows) {
        per_cell *= 2;
    }
    for (uint64_t bit = 0; bit < bits; bit += per_cell) {
        if (bit % (per_cell * width) == 0) {
            uint64_t frame = frames_frame(bit);
            const struct segment *s = frames_segment_of_bit(bit);
            frame = bit < s->bit ? s->first - s->first % 512 : frame;
            frames_put_number(&out, frame * FRAMES_SIZE, 16, 13, ' ');
            frames_put_text(&out, "  ");
        }
        frames_put_char(&out, cell(bit, per_cell));
        if ((bit / per_cell + 1) % width == 0 || bit + per_cell >= bits) {
            frames_put_char(&out, '\n');
        }
    }
    frames_put_text(&out, "each ");
    frames_put_size(&out, per_cell * FRAMES_SIZE);
    frames_put_text(&out, ": . free  - + partly  # used  R reserved\n");
    frames_put_number(&out, stats.free, 10, 0, ' ');
    frames_put_text(&out, " of ");
    frames_put_number(&out, stats.total, 10, 0, ' ');
    frames_put_text(&out, " frames free, ");
    frames_put_number(&out, stats.metadata_frames, 10, 0, ' ');
    frames_put_text(&out, " for metadata\n");
    frames_flush(&out);
    return FRAMES_OK;
}

// --- Free runs ------------------------------------------------------------------------------

struct runs {
    uint64_t start, end;
    uint64_t count[41], frames[41];
};

static void add_run(struct runs *runs, uint64_t start, uint64_t end) {
    if (start == runs->end && start < end) {
        runs->end = end;
        return;
    }
    uint64_t length = runs->end - runs->start;
    if (length) {
        unsigned power = 63 - (unsigned)__builtin_clzll(length);
        ++runs->count[power];
        runs->frames[power] += length;
    }
    runs->start = start;
    runs->end = end;
}

frames_status_t frames_runs(frames_print_t print, void *context) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    struct runs runs = { 0 };
    frames_lock();
    for (size_t slot = 0; slot < self.ready; ++slot) {
        uint64_t base = frames_frame((uint64_t)slot * 512);
        if (is_free_chunk(slot)) {
            add_run(&runs, base, base + 512);
            continue;
        }
        if (is(HUGE, slot)) {
            continue;
        }
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            uint64_t w = free_mask(slot * LINE_WORDS + k);
            for (unsigned i = 0; w && i < 64; ++i) {
                if (w >> i & 1) {
                    add_run(&runs, base + k * 64 + i, base + k * 64 + i + 1);
                }
            }
        }
    }
    for (size_t i = 0; i < self.region_count; ++i) {
        const struct region *r = &self.regions[i];
        for (size_t k = 0; k < self.segment_count; ++k) {
            const struct segment *s = &self.segments[k];
            uint64_t from = s->first + s->count > r->start ? s->first + s->count : r->start;
            uint64_t to = s->first + s->total < r->end ? s->first + s->total : r->end;
            if (from < to) {
                add_run(&runs, from, to);
            }
        }
    }
    frames_unlock();
    add_run(&runs, 0, 0);
    struct out out = { .print = print, .context = context };
    frames_put_text(&out, "run of at least     runs       frames\n");
    for (unsigned power = 0; power <= 40; ++power) {
        if (runs.count[power]) {
            frames_put_number(&out, UINT64_C(1) << power, 10, 15, ' ');
            frames_put_number(&out, runs.count[power], 10, 9, ' ');
            frames_put_number(&out, runs.frames[power], 10, 13, ' ');
            frames_put_char(&out, '\n');
        }
    }
    frames_flush(&out);
    return FRAMES_OK;
}
