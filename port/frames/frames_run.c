// The search for contiguous frames.
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_range.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_tree.h"

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

// Search chunks from `low` on for a run that begins below slot `high`. `lines`: not in free chunks.
static bool search_slots(struct run *run, size_t low, size_t high, bool lines) {
    size_t partial = low, free = lines ? NONE : low;
    run->start = run->end = 0;
    for (size_t slot = low;; ++slot) {
        partial = partial != NONE && partial <= slot ? frames_find(PARTIAL, slot, self.slots)
            : partial;
        free = free != NONE && free <= slot ? frames_find(FREE, slot, self.slots) : free;
        size_t found = partial < free ? partial : free;
        if (found == NONE) {
            if (lines || !frames_more(1)) {
                return false;
            }
            partial = free = slot;
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
        if (found == partial ? extend_by_line(run, slot, base) : extend(run, base, base + 512)) {
            return true;
        }
    }
}

// The highest zone that has one; partial chunks before free ones.
static uint64_t search_zones(struct run *run) {
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        if (low == high) {
            continue;
        }
        for (unsigned lines = run->count < 512; lines + 1 > 0; --lines) {
            while (search_slots(run, low, high, lines)) {
                uint64_t frame = round_up(run->start, run->align);
                if (frames_take_range(frame, run->count)) {
                    return frame * FRAMES_SIZE;
                }
            }
        }
    }
    return FRAMES_FAILED(FRAMES_NO_MEMORY);
}

uint64_t frames_search_locked(uint64_t count, uint64_t align, uint64_t below) {
    struct run run = { 0, 0, count, align, below ? below / FRAMES_SIZE : UINT64_MAX / FRAMES_SIZE };
    return search_zones(&run);
}

uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below) {
    frames_lock();
    frames_expose();
    uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY);
    if (count < 512) {
        addr = frames_search_locked(count, align, below);
    }
    if (frames_failed(addr) && (self.shared || count >= 512)) {
        // With what the CPUs have reserved, and with whole chunks back in one piece.
        frames_quiesce();
        addr = frames_search_locked(count, align, below);
        frames_resume();
    }
    frames_unlock();
    return addr;
}

// --- Reserve --------------------------------------------------------------------------------
