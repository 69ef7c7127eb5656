// Which zone frames come from, and the search over zones.
#include "frames_chunk.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_zone.h"

void frames_drop(struct cpu *c) {
    size_t word = c->reservation[WORD].index;
    PUT(&c->zone_low, NONE);
    PUT(&c->zone_end, NONE);
    if (word == NONE) {
        return;
    }
    if (self.shared) {
        frames_release(c, WORD);
    } else {
        frames_leave_word(c);
    }
    frames_merge(word / LINE_WORDS);
}

// Frames in a better zone than the current one: come back there at once.
void frames_prefer(size_t slot) {
    struct cpu *c = this_cpu();
    if (slot >= GET(&c->zone_end)) {
        frames_enter(c);
        frames_drop(c);
        frames_leave(c);
    }
    prefer_2m(c, slot);
}

size_t frames_zone_end(size_t slot) {
    unsigned zone = 1;
    while (self.zone_slot[zone] <= slot) {
        ++zone;
    }
    return self.zone_slot[zone];
}

void frames_enter_zone(struct cpu *c, size_t slot) {
    while (slot >= GET(&c->zone_end)) {
        PUT(&c->zone_low, c->zone_end);
        PUT(&c->zone_end, frames_zone_end(c->zone_low));
        prefer_2m(c, slot);
    }
}

size_t frames_start(const struct cpu *c, size_t low, size_t high) {
    if (c->cursor > low && c->cursor < high) {
        return c->cursor;
    }
    size_t end = high < GET(&self.ready) ? high : GET(&self.ready);
    return self.shared && low < end ? low + (end - low) / self.cpus * (size_t)(c - self.cpu) : low;
}

bool frames_search_zones(struct cpu *c, bool locked,
    bool (*search)(struct cpu *c, size_t low, size_t high, bool any)) {
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        if (low == high) {
            continue;
        }
        do {
            if (search(c, low, high, !self.shared)) {
                return true;
            }
            if (GET(&self.ready) < high && !locked) {
                return false;
            }
        } while (GET(&self.ready) < high && frames_more(1));
        if (self.shared && search(c, low, high, true)) {
            return true;
        }
    }
    return false;
}
