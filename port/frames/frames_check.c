// Whether every invariant holds.
#include "frames_bound.h"
#include "frames_hint.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_mixed.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_text.h"

struct check {
    struct out out;
    unsigned broken;
};

static void complain(struct check *check, const char *what, uint64_t addr) {
    // Enough to see what is wrong, not a screen for each chunk.
    if (++check->broken <= 16) {
        frames_put_text(&check->out, "frames: ");
        frames_put_text(&check->out, what);
        frames_put_text(&check->out, " at ");
        frames_put_number(&check->out, addr, 16, 0, ' ');
        frames_put_char(&check->out, '\n');
        frames_flush(&check->out);
    }
}

static void check_slot(struct check *check, size_t slot) {
    uint64_t addr = frames_frame((uint64_t)slot * 512) * FRAMES_SIZE;
    bool free = is(FREE, slot), huge = is(HUGE, slot), edge = is(EDGE, slot);
    if (free && !huge) {
        complain(check, "a free chunk is not huge", addr);
    }
    if (free && edge) {
        complain(check, "a free chunk has an edge", addr);
    }
    if (huge) {
        if (is(PARTIAL, slot)) {
            complain(check, "a huge chunk is marked as partial", addr);
        }
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            if (frames_valid(slot * LINE_WORDS + k) != ALL) {
                complain(check, "a huge chunk has frames of others", addr);
                break;
            }
        }
        return;
    }
    bool current = false;
    for (unsigned i = 0; i < self.cpus; ++i) {
        size_t word = (self.shared ? &self.cpu[i] : &self.one)->reservation[WORD].index;
        current |= word != NONE && word / LINE_WORDS == slot;
    }
    uint64_t any = 0, all = ALL;
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        size_t word = slot * LINE_WORDS + k;
        uint64_t w = self.bits[word], valid = frames_valid(word);
        if (~w & ~valid) {
            complain(check, "a frame of others is not marked", addr);
        }
        if (valid != ALL && !edge) {
            complain(check, "an edge chunk is not marked as one", addr);
        }
        any |= w & valid;
        all &= w & valid;
    }
    if (any && !is(PARTIAL, slot) && !current) {
        complain(check, "a chunk with free frames is not marked", addr);
    }
    if (all == ALL && !edge && !current) {
        complain(check, "a chunk is free as a whole and not marked", addr);
    }
}

// The longest run that begins in this chunk and goes on into the next one, if both have bounds.
static void check_bound(struct check *check, size_t slot) {
    uint64_t addr = frames_frame((uint64_t)slot * 512) * FRAMES_SIZE;
    unsigned bound = self.bounds[slot];
    if (bound > self.group_bounds[slot / GROUP_SLOTS]) {
        complain(check, "a chunk's bound is larger than its group's", addr);
    }
    if (bound == UNKNOWN || is(HUGE, slot)) {
        return;
    }
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    bool both = slot + 1 < self.ready && (uint64_t)(slot + 1) * 512 < s->bit + s->total
        && self.bounds[slot + 1] != UNKNOWN && !is(HUGE, slot + 1);
    unsigned length = 0;
    for (size_t i = 0; i < (both ? 1024 : 512); ++i) {
        size_t word = slot * LINE_WORDS + i / 64;
        length = self.bits[word] & frames_valid(word) & UINT64_C(1) << i % 64 ? length + 1 : 0;
        if (i >= 512 && length <= i - 512 + 1) {
            break;          // It begins in the next chunk.
        }
        if (frames_bound_of(length < RUN_LIMIT ? length : RUN_LIMIT) > bound) {
            complain(check, "a run is longer than its chunk's bound", addr);
            break;
        }
    }
    if (self.shared && is_plain(slot)) {
        complain(check, "a free in a chunk with a bound is not noticed", addr);
    }
}

static void check_kernel(struct check *check, size_t slot) {
    uint64_t addr = frames_frame((uint64_t)slot * 512) * FRAMES_SIZE;
    uint64_t any = 0;
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        size_t word = slot * LINE_WORDS + k;
        uint64_t mask = frames_kernel_mask(word);
        any |= mask;
        if (mask && (is(HUGE, slot) || (mask & self.bits[word]) || frames_is_reserved(WORD, word, mask))) {
            complain(check, "a frame of the kernel is free", addr);
        }
    }
    if (is(HUGE, slot) ? is(KERNEL, slot) && (is(FREE, slot) || !is(EDGE, slot))
        : is(KERNEL, slot) != (any != 0)) {
        complain(check, "the kernel's chunk is not marked as one", addr);
    }
    if (!self.shared && is_plain(slot) != (is(PARTIAL, slot) && !is(KERNEL, slot)
                                           && self.bounds[slot] == UNKNOWN)) {
        complain(check, "a chunk is plain, or not, without a reason", addr);
    }
    if (self.shared && is(KERNEL, slot) && self.claims[slot]) {
        complain(check, "a claim beside frames of the kernel", addr);
    }
}

// `step`: how many have their claims in one byte, of which there are `end`.
static void check_claims(struct check *check, unsigned kind, size_t step, size_t end) {
    uint64_t claimed = 0;
    for (unsigned i = 0; i < self.cpus; ++i) {
        const struct reservation *r = &self.cpu[i].reservation[kind];
        if (r->index == NONE) {
            if (r->mask) {
                complain(check, "a CPU has frames of no word", i);
            }
            continue;
        }
        ++claimed;
        if (!is_claimed(kind, r->index)) {
            complain(check, "a CPU has a word without a claim", i);
        }
        if (*frames_bits_of(kind, r->index) & r->mask) {
            complain(check, "a claimed frame is free as well", r->addr);
        }
        for (unsigned k = 0; k < i; ++k) {
            if (self.cpu[k].reservation[kind].index == r->index) {
                complain(check, "two CPUs have the same word", r->addr);
            }
        }
    }
    for (size_t i = 0; i < end; ++i) {
        claimed -= ones(*claims_of(kind, i * step));
    }
    if (claimed) {
        complain(check, "a claim has no CPU", 0);
    }
}

static void check_cpus(struct check *check) {
    for (unsigned i = 0; i < self.cpus; ++i) {
        if (self.cpu[i].busy || self.cpu[i].quiesced) {
            complain(check, "a CPU is busy or quiesced", i);
        }
    }
    check_claims(check, WORD, LINE_WORDS, self.ready);
    check_claims(check, UNIT, GROUP_UNITS, (self.ready + GROUP_SLOTS - 1) / GROUP_SLOTS);
}

static void check_summaries(struct check *check) {
    for (unsigned fact = PARTIAL; fact <= FREE; ++fact) {
        for (size_t group = 0; group * GROUP_SLOTS < self.ready; ++group) {
            if (self.groups[group].is[fact]
                && !(self.sum1[fact][group / 64] >> group % 64 & 1)) {
                complain(check, "a summary misses a group", group);
            }
        }
        for (size_t i = 0; i < self.sum1_words; ++i) {
            if (self.sum1[fact][i] && !(self.sum2[fact][i / 64] >> i % 64 & 1)) {
                complain(check, "a second summary misses a word", i);
            }
        }
    }
}

static void check_hints(struct check *check) {
    const struct hints *hints = &self.hints;
    // What nobody looks for may begin behind the last frame.
    for (unsigned class = frames_hint_class(2); class < HINT_CLASSES; ++class) {
        for (uint64_t two = hints->two[class]; two; two >>= 32) {
            if ((uint32_t)two == 0 || hints->low + ((uint32_t)two - 1) / 512 >= self.ready) {
                complain(check, "a hint leads nowhere", class);
            }
        }
        if ((hints->two[class] != 0) != (hints->some >> class & 1)) {
            complain(check, "a class of hints is marked, or not, without a reason", class);
        }
    }
}

static void check_map(struct check *check) {
    for (size_t i = 0; i < self.region_count; ++i) {
        const struct region *r = &self.regions[i];
        if (r->start >= r->end || (i && r->start <= r[-1].end - 1)) {
            complain(check, "a region is empty or out of order", r->start * FRAMES_SIZE);
        }
    }
    for (size_t i = 0; i < self.segment_count; ++i) {
        const struct segment *s = &self.segments[i];
        if ((s->first - s->bit) % 512 || s->count > s->total
            || (i && (s->first < s[-1].first + s[-1].total
                      || s->bit / 512 <= (s[-1].bit + s[-1].total - 1) / 512))) {
            complain(check, "a segment is out of order", s->first * FRAMES_SIZE);
        }
    }
    if (self.region_count > self.region_room || self.ready > self.slots
        || (self.ready % GROUP_SLOTS && self.ready != self.slots)) {
        complain(check, "a count is out of range", 0);
    }
}

unsigned frames_check(frames_print_t print, void *context) {
    FRAMES_ASSERT_CONTEXT();
    struct check check = { .out = { .print = print, .context = context } };
    if (frames_not_ready() != FRAMES_OK) {
        complain(&check, frames_text(FRAMES_NO_MAP), 0);
        return check.broken;
    }
    frames_lock();
    check_map(&check);
    if (check.broken == 0) {
        for (size_t slot = 0; slot < self.ready; ++slot) {
            check_slot(&check, slot);
            check_kernel(&check, slot);
            check_bound(&check, slot);
        }
        check_summaries(&check);
        check_hints(&check);
        if (self.shared) {
            check_cpus(&check);
        }
    }
    frames_unlock();
    return check.broken;
}
