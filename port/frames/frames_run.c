// Contiguous frames, and taking memory out for good.
#include "frames_cpus.h"
#include "frames_kernel.h"
#include "frames_map.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"

// --- Walking over a range of addresses ------------------------------------------------------

uint64_t frames_part_mask(const struct part *part, unsigned k) {
    unsigned from = part->from > k * 64 ? part->from - k * 64 : 0;
    unsigned to = part->to < k * 64 ? 0 : part->to - k * 64;
    to = to < 64 ? to : 64;
    return from < to ? ALL >> (64 - (to - from)) << from : 0;
}

bool frames_part(uint64_t frame, uint64_t end, struct part *part) {
    const struct segment *s = frames_segment(frame);
    if (s == NULL) {
        return false;
    }
    uint64_t bit = frame - s->first + s->bit;
    uint64_t stop = s->first + s->count;
    stop = stop < end ? stop : end;
    part->slot = (size_t)(bit / 512);
    part->from = (unsigned)(bit % 512);
    part->to = stop - frame < 512 - part->from ? part->from + (unsigned)(stop - frame) : 512;
    return true;
}

// --- Free -----------------------------------------------------------------------------------

// One part of a free. Without `commit`, only say whether it is one.
static bool put_part(const struct part *part, bool commit) {
    if (is_shut(part->slot)) {
        if (is(IDLE, part->slot) || !is_whole(part)
            || frames_held(UNIT, part->slot / UNIT_SLOTS, UINT64_C(1) << part->slot % GROUP_SLOTS)) {
            return false;
        }
        if (commit) {
            frames_mark(IDLE, part->slot);
            frames_prefer(part->slot);
        }
        return true;
    }
    for (unsigned k = part->from / 64; k * 64 < part->to; ++k) {
        size_t word = part->slot * LINE_WORDS + k;
        uint64_t mask = frames_part_mask(part, k);
        if (commit) {
            if (frames_put(word, mask) != FRAMES_OK) {
                return false;
            }
        } else if ((GET(&self.bits[word]) & mask) || frames_held(WORD, word, mask)
                   || (is(KERNEL, part->slot) && (frames_kernel_mask(word) & mask))) {
            return false;
        }
    }
    return true;
}

static bool put_range(uint64_t frame, uint64_t end, bool commit) {
    while (frame < end) {
        struct part part;
        if (!frames_part(frame, end, &part)) {
            return false;
        }
        uint64_t stop = frame + (part.to - part.from);
        if (is(SHUT, part.slot) && is(EDGE, part.slot)) {
            // Part of a allocated 1 GiB frame, or the kernel's.
            stop = frame + FRAMES_1G;
            if (frame % FRAMES_1G || stop > end || is(KERNEL, part.slot)) {
                return false;
            }
            for (size_t i = 0; commit && i < FRAMES_1G / 512; ++i) {
                clear_fact(EDGE, part.slot + i);
                frames_mark(IDLE, part.slot + i);
                frames_prefer(part.slot + i);
            }
        } else if (!put_part(&part, commit)) {
            return false;
        }
        frame = stop;
    }
    return true;
}

frames_status_t frames_free_locked(uint64_t frame, uint64_t count) {
    bool good = put_range(frame, frame + count, false) && put_range(frame, frame + count, true);
    return good ? FRAMES_OK : FRAMES_BAD_FREE;
}

frames_status_t frames_free_run(uint64_t addr, uint64_t count) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    uint64_t frame = addr / FRAMES_SIZE;
    if (addr % FRAMES_SIZE || count == 0 || count > UINT64_MAX / FRAMES_SIZE - frame) {
        return FRAMES_BAD_FREE;
    }
    frames_lock();
    status = frames_free_locked(frame, count);
    frames_unlock();
    return status;
}

// --- Alloc ----------------------------------------------------------------------------------

// Take one part, or nothing of it. A whole idle chunk stays shut.
static bool take_part(const struct part *part) {
    if (is_whole(part) && frames_unmark(IDLE, part->slot)) {
        return true;
    }
    for (unsigned k = part->from / 64; k * 64 < part->to; ++k) {
        if (!frames_take(part->slot * LINE_WORDS + k, frames_part_mask(part, k))) {
            while (k-- > part->from / 64) {
                frames_put(part->slot * LINE_WORDS + k, frames_part_mask(part, k));
            }
            return false;
        }
    }
    return true;
}

// Take [frame, frame + count), which has been seen to be free. With several CPUs somebody else can
// be faster; then nothing is taken.
static bool take_range(uint64_t frame, uint64_t count) {
    uint64_t end = frame + count;
    struct part part;
    bool shut = true;
    for (uint64_t at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || !take_part(&part)) {
            put_range(frame, at, true);
            return false;
        }
        shut &= is(SHUT, part.slot);
    }
    if (shut && count == FRAMES_1G && frame % FRAMES_1G == 0 && frames_part(frame, end, &part)) {
        for (size_t i = 0; i < FRAMES_1G / 512; ++i) {
            set_fact(EDGE, part.slot + i);
        }
    }
    return true;
}

// The run of free frames that a search has come to, and what it looks for.
struct run {
    uint64_t start, end;
    uint64_t count, align, limit;
};

// Add frames; true if there is room now. They come in rising order.
static bool extend(struct run *run, uint64_t start, uint64_t end) {
    if (start != run->end) {
        run->start = start;
    }
    run->end = end;
    end = end < run->limit ? end : run->limit;
    uint64_t at = round_up(run->start, run->align);
    return at < end && end - at >= run->count;
}

static bool extend_by_line(struct run *run, size_t slot, uint64_t base) {
    bool edge = is(EDGE, slot);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        uint64_t w = GET(&line_of(slot)[k]);
        if (edge) {
            w &= frames_valid(slot * LINE_WORDS + k);
        }
        for (unsigned from = 0; from < 64 && w >> from;) {
            from += lowest(w >> from);
            uint64_t used = ~(w >> from);
            unsigned length = used ? lowest(used) : 64;
            length = length < 64 - from ? length : 64 - from;
            if (extend(run, base + k * 64 + from, base + k * 64 + from + length)) {
                return true;
            }
            from += length;
        }
    }
    return false;
}

// Search chunks from `low` on for a run that begins below slot `high`. `lines`: not in idle chunks.
static bool search_slots(struct run *run, size_t low, size_t high, bool lines) {
    size_t some = low, idle = lines ? NONE : low;
    run->start = run->end = 0;
    for (size_t slot = low;; ++slot) {
        some = some != NONE && some <= slot ? frames_find(SOME, slot, self.slots) : some;
        idle = idle != NONE && idle <= slot ? frames_find(IDLE, slot, self.slots) : idle;
        size_t found = some < idle ? some : idle;
        if (found == NONE) {
            if (lines || !frames_more(1)) {
                return false;
            }
            some = idle = slot;
            --slot;
            continue;
        }
        const struct segment *s = frames_segment_of_bit((uint64_t)found * 512);
        uint64_t base = s->first - s->bit + (uint64_t)found * 512;
        slot = found;
        uint64_t first = (int64_t)base > (int64_t)s->first ? base : s->first;
        // Beyond `high` only a run that has begun before it is of interest.
        if ((slot >= high && first != run->end) || first >= run->limit) {
            return false;
        }
        if (found == some ? extend_by_line(run, slot, base) : extend(run, base, base + 512)) {
            return true;
        }
    }
}

// The highest zone that has one; broken chunks before idle ones.
static uint64_t search_zones(struct run *run) {
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        if (low == high) {
            continue;
        }
        for (unsigned lines = run->count < 512; lines + 1 > 0; --lines) {
            while (search_slots(run, low, high, lines)) {
                uint64_t frame = round_up(run->start, run->align);
                if (take_range(frame, run->count)) {
                    return frame * FRAMES_SIZE;
                }
            }
        }
    }
    return FRAMES_FAILED(FRAMES_NO_MEMORY);
}

uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below) {
    struct run run = { 0, 0, count, align, below ? below / FRAMES_SIZE : UINT64_MAX / FRAMES_SIZE };
    frames_lock();
    frames_expose();
    uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY);
    if (count < 512) {
        addr = search_zones(&run);
    }
    if (frames_failed(addr) && (self.shared || count >= 512)) {
        // With what the CPUs hold back, and with whole chunks back in one piece.
        frames_close();
        addr = search_zones(&run);
        frames_open();
    }
    frames_unlock();
    return addr;
}

uint64_t frames_alloc_run(uint64_t count, uint64_t align, uint64_t below) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    if (count == 0 || align < FRAMES_SIZE || (align & (align - 1))) {
        return FRAMES_FAILED(FRAMES_BAD_ARGUMENT);
    }
    if (below == 0 && count == 1 && align == FRAMES_SIZE) {
        return frames_alloc();
    }
    if (below == 0 && count == FRAMES_2M && align == FRAMES_2M * FRAMES_SIZE) {
        return frames_alloc_2m();
    }
    return frames_search(count, align / FRAMES_SIZE, below);
}

// --- Reserve --------------------------------------------------------------------------------

// Call `act` for each word of what the allocator has ready of [start, end), with the mask of its
// frames there, until one says no. Returns where that was, or `end`.
static uint64_t each_word(uint64_t start, uint64_t end, bool (*act)(size_t word, uint64_t mask)) {
    for (size_t i = 0; i < self.segment_count; ++i) {
        const struct segment *s = &self.segments[i];
        uint64_t stop = s->first + s->count < end ? s->first + s->count : end;
        uint64_t at = s->first > start ? s->first : start;
        while (at < stop) {
            struct part part;
            frames_part(at, stop, &part);
            unsigned k = part.from / 64;
            size_t word = part.slot * LINE_WORDS + k;
            unsigned next = k * 64 + 64 < part.to ? k * 64 + 64 : part.to;
            uint64_t mask = frames_part_mask(&part, k) & frames_valid(word);
            if (mask && !act(word, mask)) {
                return at;
            }
            at += next - part.from;
        }
    }
    return end;
}

static bool give_back(size_t word, uint64_t mask) {
    return frames_put(word, mask) == FRAMES_OK;
}

// The frames are nobody's now: their bits look free for ever, so that freeing them fails.
static bool disown(size_t word, uint64_t mask) {
    set_fact(EDGE, word / LINE_WORDS);
    word_or(&self.bits[word], mask);
    return true;
}

// Take frames that are allocated to the caller, or not ready yet, out of the map.
static void remove_range(uint64_t start, uint64_t end) {
    // The order matters: each_word() asks the regions which frames are left.
    each_word(start, end, disown);
    frames_carve(start, end);
}

// Frames for the allocator's own data. They are in the map until remove_range().
static void *take_metadata(uint64_t bytes, uint64_t *frame) {
    struct run run = { 0, 0, bytes / FRAMES_SIZE, 1, UINT64_MAX / FRAMES_SIZE };
    uint64_t addr = search_zones(&run);
    if (frames_failed(addr)) {
        return NULL;
    }
    *frame = addr / FRAMES_SIZE;
    void *base = self.reach(addr, bytes);
    if (base == NULL) {
        put_range(*frame, *frame + run.count, true);
        return NULL;
    }
    self.metadata += bytes;
    self.metadata_frames += run.count;
    return base;
}

// Let the list of regions have room for two more.
static bool make_room(void) {
    if (self.region_room - self.region_count >= 2) {
        return true;
    }
    uint64_t bytes = round_up((self.region_count + 4) * 2 * sizeof(struct region), FRAMES_SIZE);
    uint64_t frame;
    struct region *regions = take_metadata(bytes, &frame);
    if (regions == NULL) {
        return false;
    }
    for (size_t i = 0; i < self.region_count; ++i) {
        regions[i] = self.regions[i];
    }
    self.regions = regions;
    self.region_room = (size_t)(bytes / sizeof(struct region));
    remove_range(frame, frame + bytes / FRAMES_SIZE);
    return true;
}

void *frames_take_metadata(uint64_t bytes) {
    uint64_t frame;
    void *base = make_room() ? take_metadata(bytes, &frame) : NULL;
    if (base) {
        remove_range(frame, frame + bytes / FRAMES_SIZE);
    }
    return base;
}

frames_status_t frames_reserve(uint64_t start, uint64_t end) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    if (start >= end) {
        return start == end ? FRAMES_OK : FRAMES_BAD_ARGUMENT;
    }
    start /= FRAMES_SIZE;
    end = end / FRAMES_SIZE + (end % FRAMES_SIZE != 0);
    frames_lock();
    // Who takes frames looks at the regions: nobody may while they change.
    frames_close();
    uint64_t at = each_word(start, end, frames_take);
    if (at < end) {
        status = FRAMES_IN_USE;
    } else if (!make_room()) {
        status = FRAMES_NO_MEMORY;
    }
    if (status == FRAMES_OK) {
        self.reserved += frames_owned(start, end);
        remove_range(start, end);
    } else {
        each_word(start, at, give_back);
    }
    frames_open();
    frames_unlock();
    return status;
}
