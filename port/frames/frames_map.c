// The map: regions and segments, where the metadata lies, and making groups ready for use.
#include "frames_bound.h"
#include "frames_map.h"
#include "frames_state.h"
#include "frames_tree.h"

#define FRAME_LIMIT (UINT64_C(1) << 40)     // 2^52 bytes.
#define ZONE_1M (UINT64_C(1) << 8)
#define ZONE_16M (UINT64_C(1) << 12)
#define ZONE_4G (UINT64_C(1) << 20)

// --- Looking things up ----------------------------------------------------------------------

const struct segment *frames_segment(uint64_t frame) {
    size_t low = 0, high = self.segment_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (self.segments[middle].first <= frame) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const struct segment *s = &self.segments[low - 1];
    return frame - s->first < __atomic_load_n(&s->count, __ATOMIC_ACQUIRE) ? s : NULL;
}

NOINLINE const struct segment *frames_find_segment_of_bit(uint64_t bit) {
    size_t low = 0, high = self.segment_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (self.segments[middle].bit / 512 <= bit / 512) {
            low = middle;
        } else {
            high = middle;
        }
    }
    PUT(&self.last_segment, (uint32_t)low);
    return &self.segments[low];
}

uint64_t frames_addr(struct cpu *c, size_t word) {
    uint64_t bit = (uint64_t)word * 64;
    const struct segment *s = &self.segments[c->segment];
    if (bit - s->bit >= s->total) {
        s = frames_segment_of_bit(bit);
        c->segment = (uint16_t)(s - self.segments);
    }
    return (s->first - s->bit + bit) * FRAMES_SIZE;
}

// The first region that ends after `frame`: mostly that of the last call, or the next one.
static size_t region_after(uint64_t frame) {
    size_t low = 0, high = self.region_count, last = GET(&self.last_region);
    if (last < high && (last == 0 || self.regions[last - 1].end <= frame)) {
        low = self.regions[last].end > frame ? last : last + 1;
        if (low == high || self.regions[low].end > frame) {
            high = low;
        }
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (self.regions[middle].end <= frame) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low != last) {
        PUT(&self.last_region, (uint32_t)low);
    }
    return low;
}

uint64_t frames_owned(uint64_t start, uint64_t end) {
    uint64_t count = 0;
    for (size_t i = region_after(start); i < self.region_count; ++i) {
        const struct region *r = &self.regions[i];
        if (r->start >= end) {
            break;
        }
        count += (r->end < end ? r->end : end) - (r->start > start ? r->start : start);
    }
    return count;
}

uint64_t frames_valid(size_t word) {
    const struct segment *s = frames_segment_of_bit((uint64_t)word * 64);
    // Can wrap below 0 in the first chunk of a segment, and then compares as if it were signed.
    int64_t base = (int64_t)(s->first - s->bit + (uint64_t)word * 64);
    int64_t from = base > (int64_t)s->first ? base : (int64_t)s->first;
    int64_t to = (int64_t)(s->first + s->total);
    to = to < base + 64 ? to : base + 64;
    uint64_t mask = 0;
    for (size_t i = from < to ? region_after((uint64_t)from) : NONE; i < self.region_count; ++i) {
        const struct region *r = &self.regions[i];
        int64_t start = (int64_t)r->start > from ? (int64_t)r->start : from;
        int64_t end = (int64_t)r->end < to ? (int64_t)r->end : to;
        if (start >= end) {
            break;
        }
        mask |= ALL >> (64 - (end - start)) << (start - base);
    }
    return mask;
}

void frames_valid_line(size_t slot, uint64_t *valid) {
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    uint64_t base = s->first - s->bit + (uint64_t)slot * 512;
    uint64_t from = (int64_t)base > (int64_t)s->first ? base : s->first;
    uint64_t to = base + 512 < s->first + s->total ? base + 512 : s->first + s->total;
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        valid[k] = 0;
    }
    for (size_t i = from < to ? region_after(from) : NONE; i < self.region_count; ++i) {
        uint64_t start = self.regions[i].start > from ? self.regions[i].start : from;
        uint64_t end = self.regions[i].end < to ? self.regions[i].end : to;
        for (uint64_t at = start; at < end;) {
            unsigned n = (unsigned)(at - base) % 64;
            uint64_t length = end - at < 64 - n ? end - at : 64 - n;
            valid[(at - base) / 64] |= ALL >> (64 - length) << n;
            at += length;
        }
        if (start >= end) {
            break;
        }
    }
}

// --- Making groups ready --------------------------------------------------------------------

static void zero(uint64_t *words, size_t count) {
    while (count-- > 0) {
        words[count] = 0;
    }
}

static void show_near(const struct segment *s) {
    for (unsigned i = 0; i < NEAR; ++i) {
        if (self.near[i].first == s->first) {
            __atomic_store_n(&self.near[i].count, s->count, __ATOMIC_RELEASE);
        }
    }
}

// One group, from slot `first` on. Returns where it ends.
static size_t make_ready(size_t first) {
    size_t last = first + GROUP_SLOTS < self.slots ? first + GROUP_SLOTS : self.slots;
    struct group *group = &self.groups[first / GROUP_SLOTS];
    uint64_t whole = 0, partial = 0;
    for (size_t slot = first; slot < last;) {
        const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
        uint64_t start = s->first - s->bit + (uint64_t)slot * 512;
        // As many chunks as one look at the regions settles.
        uint64_t chunks = 1, end = s->first + s->total;
        size_t i = region_after(start);
        if (i < self.region_count && self.regions[i].start <= start && start >= s->first) {
            uint64_t stop = self.regions[i].end < end ? self.regions[i].end : end;
            chunks = (stop - start) / 512;
            chunks = chunks < last - slot ? chunks : last - slot;
            if (chunks) {
                whole |= ALL >> (64 - chunks) << (slot - first);
                slot += chunks;
                continue;
            }
        }
        uint64_t from = (int64_t)start > (int64_t)s->first ? start : s->first;
        uint64_t to = (int64_t)(start + 512) < (int64_t)end ? start + 512 : end;
        partial |= (uint64_t)(frames_owned(from, to) != 0) << (slot - first);
        // All ones: the frames are free, and those of others must look free.
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            PUT(&line_of(slot)[k], ALL);
        }
        ++slot;
    }
    PUT(&group->claims, 0);
    PUT(&group->owner, 0);
    PUT(&group->is[PARTIAL], partial);
    PUT(&group->is[FREE], whole);
    PUT(&group->is[KERNEL], 0);
    PUT(&group->plain, partial);
    frames_start_bounds(first / GROUP_SLOTS, partial);
    group->mixed = NULL;
    PUT(&group->is[HUGE], whole);
    PUT(&group->is[EDGE], ALL >> (GROUP_SLOTS - (last - first)) & ~whole);
    if (self.cpus > 1) {
        zero((uint64_t *)(void *)&self.claims[first], GROUP_SLOTS / 8);
    }
    frames_summarize(PARTIAL, first / GROUP_SLOTS);
    frames_summarize(FREE, first / GROUP_SLOTS);
    return last;
}

bool frames_more(size_t groups) {
    size_t first = self.ready, last = first;
    while (groups-- > 0 && last < self.slots) {
        last = make_ready(last);
    }
    if (first == last) {
        return false;
    }
    __atomic_store_n(&self.ready, last, __ATOMIC_RELEASE);
    for (size_t slot = first; slot < last;) {
        struct segment *s = (struct segment *)frames_segment_of_bit((uint64_t)slot * 512);
        uint64_t count = (uint64_t)last * 512 - s->bit;
        __atomic_store_n(&s->count, count < s->total ? count : s->total, __ATOMIC_RELEASE);
        show_near(s);
        slot = (size_t)((s->bit + s->total + 511) / 512);
    }
    return true;
}

// --- Set-up ---------------------------------------------------------------------------------

// Sort pairs by their start: Shell's way, because maps are nearly always sorted already.
static void sort_ranges(uint64_t *ranges, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; ++i) {
            uint64_t start = ranges[2 * i], end = ranges[2 * i + 1];
            size_t j = i;
            for (; j >= gap && ranges[2 * (j - gap)] > start; j -= gap) {
                ranges[2 * j] = ranges[2 * (j - gap)];
                ranges[2 * j + 1] = ranges[2 * (j - gap) + 1];
            }
            ranges[2 * j] = start;
            ranges[2 * j + 1] = end;
        }
    }
}

// Merge what overlaps or touches, then round inwards to whole frames. Returns how many are left.
static size_t merge_ranges(uint64_t *ranges, size_t count) {
    size_t merged = 0;
    for (size_t i = 0; i < count; ++i) {
        uint64_t start = ranges[2 * i], end = ranges[2 * i + 1];
        if (start == end) {
            continue;
        }
        if (merged && start <= ranges[2 * merged - 1]) {
            if (end > ranges[2 * merged - 1]) {
                ranges[2 * merged - 1] = end;
            }
            continue;
        }
        ranges[2 * merged] = start;
        ranges[2 * merged + 1] = end;
        ++merged;
    }
    size_t kept = 0;
    for (size_t i = 0; i < merged; ++i) {
        uint64_t start = round_up(ranges[2 * i], FRAMES_SIZE) / FRAMES_SIZE;
        uint64_t end = ranges[2 * i + 1] / FRAMES_SIZE;
        if (start < end) {
            ranges[2 * kept] = start;
            ranges[2 * kept + 1] = end;
            ++kept;
        }
    }
    return kept;
}

// Number the chunks. A hole of more than `gap` chunks ends a segment; so does 1 MiB, where a zone
// ends inside a chunk. Counts only, if `segments` is NULL. Returns how many slots there are.
static size_t number_chunks(const struct region *regions, size_t count, uint64_t gap,
    struct segment *segments, size_t *segment_count) {
    struct segment s = { 0 };
    size_t n = 0;
    uint64_t slots = 0;
    for (size_t i = 0; i < count; ++i) {
        uint64_t start = regions[i].start, stop = regions[i].end;
        while (start < stop) {
            uint64_t end = start < ZONE_1M && stop > ZONE_1M ? ZONE_1M : stop;
            uint64_t previous = s.first + s.total;
            bool near = n && !(previous <= ZONE_1M && start >= ZONE_1M)
                && start / 512 <= (previous - 1) / 512 + 1 + gap;
            if (!near) {
                s.first = start;
                s.bit = slots * 512 + start % 512;
                ++n;
            }
            s.total = end - s.first;
            slots = (s.bit + s.total + 511) / 512;
            if (segments) {
                segments[n - 1] = s;
            }
            start = end;
        }
    }
    *segment_count = n;
    return (size_t)slots;
}

size_t frames_slot_from(uint64_t frame) {
    for (size_t i = 0; i < self.segment_count; ++i) {
        const struct segment *s = &self.segments[i];
        if (frame < s->first + s->total) {
            return (size_t)((frame > s->first ? s->bit + (frame - s->first) : s->bit) / 512);
        }
    }
    return self.slots;
}

static void set_near(void) {
    uint64_t best[NEAR] = { 0 };
    const struct segment *end = self.segments + self.segment_count;
    uint64_t last = end[-1].first + end[-1].total - 1;
    unsigned shift = 9;
    while (last >> shift >= NEAR) {
        ++shift;
    }
    self.near_shift = shift;
    for (unsigned i = 0; i < NEAR; ++i) {
        self.near[i].first = NOWHERE;
    }
    for (const struct segment *s = self.segments; s < end; ++s) {
        uint64_t stop = s->first + s->total;
        for (uint64_t i = s->first >> shift; i <= (stop - 1) >> shift; ++i) {
            uint64_t from = i << shift, to = (i + 1) << shift;
            uint64_t count = (to < stop ? to : stop) - (from > s->first ? from : s->first);
            if (count > best[i]) {
                best[i] = count;
                self.near[i] = (struct near) {
                    s->first, s->count, s->bit - s->first
                };
            }
        }
    }
}

static uint64_t place(uint64_t *size, uint64_t bytes, uint64_t align) {
    uint64_t at = round_up(*size, align);
    *size = at + bytes;
    return at;
}

frames_status_t frames_init(uint64_t *ranges, size_t count, unsigned cpus, frames_reach_t reach) {
    FRAMES_ASSERT_CONTEXT();
    if (self.ready_to_use) {
        return FRAMES_HAVE_MAP;
    }
    if (cpus == 0 || cpus > FRAMES_CPUS_MAX || count > SIZE_MAX / 16) {
        return FRAMES_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < count; ++i) {
        if (ranges[2 * i] > ranges[2 * i + 1] || ranges[2 * i + 1] > FRAME_LIMIT * FRAMES_SIZE) {
            return FRAMES_BAD_ARGUMENT;
        }
    }
    sort_ranges(ranges, count);
    count = merge_ranges(ranges, count);
    if (count > FRAMES_REGIONS_MAX) {
        return FRAMES_BAD_ARGUMENT;
    }
    struct region *regions = (struct region *)ranges;
    uint64_t chunks = 0;
    for (size_t i = 0; i < count; ++i) {
        chunks += (regions[i].end - 1) / 512 - regions[i].start / 512 + 1;
    }

    // Lay the metadata out from 0. One more segment than now, because taking the metadata's own
    // frames out can split one.
    uint64_t gap = chunks / 256 + 1;
    size_t segment_count;
    uint64_t slots = number_chunks(regions, count, gap, NULL, &segment_count);
    ++segment_count;
    uint64_t group_count = (slots + GROUP_SLOTS - 1) / GROUP_SLOTS;
    uint64_t sum1_words = (group_count + 63) / 64, sum2_words = (sum1_words + 63) / 64;
    uint64_t size = 0;
    uint64_t cpu_at = place(&size, cpus > 1 ? cpus * sizeof(struct cpu) : 0, 128);
    uint64_t bit_at = place(&size, slots * LINE_WORDS * 8, 64);
    uint64_t group_at = place(&size, group_count * sizeof(struct group), 64);
    uint64_t bound_at = place(&size, group_count * GROUP_SLOTS, 64);
    uint64_t group_bound_at = place(&size, sum1_words * 64, 64);
    uint64_t sum_at = place(&size, 2 * (sum1_words + sum2_words) * 8, 8);
    uint64_t segment_at = place(&size, segment_count * sizeof(struct segment), 8);
    uint64_t claim_at = place(&size, cpus > 1 ? group_count * GROUP_SLOTS : 0, 8);
    uint64_t region_at = place(&size, (count + 8) * sizeof(struct region), 8);
    uint64_t frames = (size + FRAMES_SIZE - 1) / FRAMES_SIZE;

    // From the top of the highest region that can hold it.
    size_t host = count;
    char *base = NULL;
    while (base == NULL && host-- > 0) {
        if (regions[host].end - regions[host].start >= frames) {
            base = reach((regions[host].end - frames) * FRAMES_SIZE, frames * FRAMES_SIZE);
        }
    }
    if (base == NULL) {
        return FRAMES_NO_MEMORY;
    }
    regions[host].end -= frames;
    self.metadata_addr = regions[host].end * FRAMES_SIZE;
    self.metadata_frames = frames;
    self.metadata = size;
    self.reach = reach;
    self.cpus = cpus;
    self.bits = (uint64_t *)(base + bit_at);
    self.cpu = (struct cpu *)(base + cpu_at);
    self.groups = (struct group *)(base + group_at);
    for (unsigned fact = PARTIAL; fact <= FREE; ++fact) {
        self.sum1[fact] = (uint64_t *)(base + sum_at) + fact * (sum1_words + sum2_words);
        self.sum2[fact] = self.sum1[fact] + sum1_words;
        zero(self.sum1[fact], sum1_words + sum2_words);
    }
    self.bounds = (uint8_t *)(base + bound_at);
    self.group_bounds = (uint8_t *)(base + group_bound_at);
    self.sum1_words = sum1_words;
    self.sum2_words = sum2_words;
    self.segments = (struct segment *)(base + segment_at);
    self.claims = (uint8_t *)(base + claim_at);
    self.regions = (struct region *)(base + region_at);
    // What the last frame has left is for more regions and for the kernel's marks.
    self.mixed_room = (size_t)((frames * FRAMES_SIZE - size) / 2 / sizeof(struct mixed));
    uint64_t mixed_at = frames * FRAMES_SIZE - self.mixed_room * sizeof(struct mixed);
    self.mixed = (struct mixed *)(base + mixed_at);
    self.region_room = (size_t)((mixed_at - region_at) / sizeof(struct region));
    for (size_t i = 0; i < count; ++i) {
        if (regions[i].start < regions[i].end) {
            self.regions[self.region_count++] = regions[i];
        }
    }
    self.slots = number_chunks(self.regions, self.region_count, gap, self.segments,
        &self.segment_count);
    for (size_t i = 0; i < self.segment_count; ++i) {
        self.segments[i].count = 0;
    }
    self.zone_slot[1] = frames_slot_from(ZONE_1M);
    self.zone_slot[2] = frames_slot_from(ZONE_16M);
    self.zone_slot[3] = frames_slot_from(ZONE_4G);
    self.zone_slot[4] = self.slots;
    unsigned zone = ZONES;
    while (zone > 1 && self.zone_slot[zone - 1] == self.slots) {
        --zone;
    }
    self.hints.low = self.zone_slot[zone - 1];
    if (self.segment_count) {
        set_near();
    }
    for (unsigned i = 0; cpus > 1 && i < cpus; ++i) {
        self.cpu[i] = (struct cpu)FRAMES_CPU_START(&self.cpu[i].reservation[WORD].mask);
    }
    if (cpus > 1) {
        // CPUs begin far from each other only in what is ready.
        frames_more((self.zone_slot[3] + GROUP_SLOTS - 1) / GROUP_SLOTS);
    }
    __atomic_store_n(&self.shared, cpus > 1, __ATOMIC_RELEASE);
    __atomic_store_n(&self.ready_to_use, 1, __ATOMIC_RELEASE);
    return FRAMES_OK;
}

void frames_deinit(void) {
    frames_state = (struct state)FRAMES_STATE_START;
}

// --- Reserve --------------------------------------------------------------------------------

// There is room for one more.
void frames_carve(uint64_t start, uint64_t end) {
    size_t i = region_after(start);
    struct region *r = self.regions;
    if (i < self.region_count && r[i].start < start && r[i].end > end) {
        for (size_t k = self.region_count++; k > i; --k) {
            r[k] = r[k - 1];
        }
        r[i].end = start;
        r[i + 1].start = end;
        return;
    }
    if (i < self.region_count && r[i].start < start) {
        r[i].end = start;
        ++i;
    }
    size_t kept = i;
    for (; i < self.region_count; ++i) {
        if (r[i].start < end) {
            r[i].start = r[i].end < end ? r[i].end : end;
        }
        if (r[i].start < r[i].end) {
            r[kept++] = r[i];
        }
    }
    self.region_count = kept;
}
