// The heap's blocks against a model that keeps a byte for each: what is allocated, freed, resized and
// collected at random. blocks_machine SEED COUNT does so COUNT times and ends at the first difference.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mpy/blocks.h"
#include "mpy/heap.h"

enum {
    FIRST_SIZE = 40000,
    GROWN_WORDS = 1024,     // at most
    CODE_WORDS = 4,
    AREAS = 3,
    OBJECTS = 65536,
    ROOTS = 64,
    STACK_SIZE = 1 << 20,
};

#define CHECK(what) do { if (!(what)) { fail(#what, __LINE__); } } while (0)

static uint64_t seed, step;

static void fail(const char *what, int line) {
    fprintf(stderr, "seed %lu, step %lu, line %d: not %s\n", (unsigned long)seed, (unsigned long)step, line, what);
    abort();
}

static uint64_t state;

static uint64_t any(uint64_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % limit;
}

// Most are small.
static size_t any_count(void) {
    switch (any(8)) {
        case 0:
            return 1 + any(40);
        case 1:
            return 55 + any(20);
        case 2:
            return any(4) == 0 ? 1 + any(9000) : 1 + any(300);
        default:
            return 1 + any(6);
    }
}

// The model. Of each area's blocks: 0 for a free one, else the object's number.
typedef struct {
    uint64_t *ptr;
    size_t count;
    size_t area;
    bool finaliser, weakref, reached;
} object_t;

static object_t objects[OBJECTS];   // number 0 is none
static uint32_t *owner[AREAS];
static blocks_area_t *areas[AREAS];
static blocks_area_t code;
static void *first_memory, *grown_pool, *grown_words;
static void *mark_stack;
static bool stack_fails;

void *heap_mark_stack(size_t size) {
    return stack_fails || size > STACK_SIZE ? NULL : mark_stack;
}

static size_t block_of(const object_t *object) {
    return ((uint64_t)object->ptr - areas[object->area]->start) / BLOCKS_SIZE;
}

static void set_owner(const object_t *object, size_t from, size_t count, uint32_t value) {
    for (size_t i = 0; i < count; ++i) {
        uint32_t *at = &owner[object->area][block_of(object) + from + i];
        CHECK((*at == 0) == (value != 0));
        *at = value;
    }
}

static object_t *any_object(void) {
    for (size_t tries = 0; tries < 200; ++tries) {
        object_t *object = &objects[any(OBJECTS - 1) + 1];
        if (object->ptr != NULL) {
            return object;
        }
    }
    return NULL;
}

static size_t longest_free(size_t area) {
    size_t longest = 0;
    size_t run = 0;
    for (size_t i = 0; i < areas[area]->count; ++i) {
        run = owner[area][i] == 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void fill(object_t *object, size_t from) {
    for (size_t i = from * 4; i < object->count * 4; ++i) {
        object_t *other = any(3) == 0 ? any_object() : NULL;
        // References, addresses in the middle of objects, and what is none of both.
        object->ptr[i] = other == NULL ? any(2) ? 0 : any(UINT64_MAX)
            : (uint64_t)other->ptr + (any(4) == 0 ? 8 * any(other->count * 4) : 0);
    }
}

static void add(uint64_t *ptr, size_t count, size_t area) {
    size_t number = 1;
    while (objects[number].ptr != NULL) {
        number = any(OBJECTS - 1) + 1;
    }
    object_t *object = &objects[number];
    *object = (object_t) { ptr, count, area, false, false, false };
    CHECK((uint64_t)ptr % BLOCKS_SIZE == areas[area]->start % BLOCKS_SIZE);
    CHECK((uint64_t)ptr >= areas[area]->start);
    CHECK(block_of(object) + count <= areas[area]->count);
    set_owner(object, 0, count, number);
    fill(object, 0);
    if (area != 2) {
        uint64_t bit;
        blocks_word_t *word = blocks_word_of(areas[area], ptr, &bit);
        object->finaliser = any(8) == 0;
        object->weakref = any(8) == 0;
        CHECK(!(word->finaliser & bit) && !(word->weakref & bit));
        word->finaliser |= object->finaliser ? bit : 0;
        word->weakref |= object->weakref ? bit : 0;
    }
}

static void allocate(size_t count) {
    bool in_code = any(50) == 0;
    uint64_t *ptr = in_code ? blocks_alloc_in(&code, count) : blocks_alloc(count);
    if (ptr == NULL) {
        for (size_t area = in_code ? 2 : 0; area < (in_code ? 3 : 2); ++area) {
            CHECK(longest_free(area) < count);
        }
        return;
    }
    blocks_area_t *area = blocks_area_of(ptr);
    CHECK(in_code == (area == &code));
    add(ptr, count, area == &blocks_first ? 0 : area == &blocks_grown ? 1 : 2);
}

static void release(object_t *object) {
    blocks_free(object->ptr);
    set_owner(object, 0, object->count, 0);
    object->ptr = NULL;
}

static void resize(object_t *object, size_t count) {
    size_t before;
    size_t start = block_of(object);
    bool can = start + count <= areas[object->area]->count;
    for (size_t i = object->count; can && i < count; ++i) {
        can = owner[object->area][start + i] == 0;
    }
    CHECK(blocks_resize(object->ptr, count, &before) == can);
    CHECK(before == object->count);
    uint32_t number = object - objects;
    if (can && count > before) {
        set_owner(object, before, count - before, number);
    } else if (can) {
        set_owner(object, count, before - count, 0);
    }
    if (can) {
        object->count = count;
        fill(object, before < count ? before : count);
    }
}

// What an address leads to, by the model.
static object_t *target(uint64_t addr, bool inner) {
    for (size_t i = 0; i < AREAS; ++i) {
        uint64_t distance = addr - areas[i]->start;
        if (distance / BLOCKS_SIZE < areas[i]->count) {
            object_t *object = &objects[owner[i][distance / BLOCKS_SIZE]];
            return object != objects && (inner || (uint64_t)object->ptr == addr) ? object : NULL;
        }
    }
    return NULL;
}

static uint32_t waiting[OBJECTS];
static size_t waiting_count;

static void reach(object_t *object) {
    if (object != NULL && !object->reached) {
        object->reached = true;
        waiting[waiting_count++] = object - objects;
    }
}

static void reach_all(void) {
    while (waiting_count > 0) {
        const object_t *object = &objects[waiting[--waiting_count]];
        for (size_t i = 0; i < object->count * 4; ++i) {
            reach(target(object->ptr[i], false));
        }
    }
}

// What is reached from `root`, if it is not NULL, and from others at random, lives on.
static void collect(const void *root) {
    for (size_t i = 0; i < OBJECTS; ++i) {
        objects[i].reached = false;
    }
    stack_fails = any(2);
    blocks_mark_begin();
    size_t roots_count = any(4) == 0 ? any(3) : any(ROOTS);
    for (size_t i = 0; i < 2; ++i) {
        uint64_t roots[ROOTS];
        for (size_t j = 0; j < roots_count; ++j) {
            object_t *object = any_object();
            roots[j] = object == NULL || any(4) == 0 ? any(UINT64_MAX)
                : (uint64_t)object->ptr + (any(2) ? any(object->count * BLOCKS_SIZE) : 0);
            reach(target(roots[j], i == 1));
        }
        blocks_mark(roots, roots_count, i == 1);
    }
    uint64_t addr = (uint64_t)root;
    blocks_mark(&addr, 1, false);
    reach(target(addr, false));
    blocks_mark_end();
    reach_all();
    if (any(2)) {
        // A program has run meanwhile, and hands objects on.
        for (size_t i = any(2 * OBJECTS); i > 0; --i) {
            object_t *object = any_object(), *other = any_object();
            if (object != NULL && other != NULL && object->reached) {
                object->ptr[any(object->count * 4)] = (uint64_t)other->ptr;
            }
        }
        stack_fails = any(2);
        blocks_mark_again();
        blocks_mark(&addr, 1, false);
        blocks_mark_end();
        for (size_t i = 0; i < OBJECTS; ++i) {
            if (objects[i].reached) {
                waiting[waiting_count++] = i;
            }
        }
        reach_all();
    }
    CHECK(blocks_check());
    // A finaliser frees what it has, reached or not.
    for (size_t i = any(10); i > 0; --i) {
        object_t *object = any_object();
        if (object != NULL) {
            release(object);
        }
    }
    size_t freed = 0;
    for (size_t i = 1; i < OBJECTS; ++i) {
        object_t *object = &objects[i];
        if (object->ptr != NULL) {
            uint64_t bit;
            const blocks_word_t *word = blocks_word_of(areas[object->area], object->ptr, &bit);
            CHECK(((word->used & bit) != 0) != object->reached && (word->head & bit));
            CHECK(blocks_count(object->ptr) == (object->reached ? 0 : object->count));
            if (!object->reached) {
                ++freed;
                set_owner(object, 0, object->count, 0);
                object->ptr = NULL;
            }
        }
    }
    CHECK(blocks_sweep() == freed);
}

// Every bit of every word, and what is reported of them.
static void compare(void) {
    blocks_info_t info, model = { 0 };
    for (size_t area = 0; area < AREAS; ++area) {
        size_t used = 0;
        size_t end = 0;
        size_t free_run = 0;
        for (size_t i = 0; i < areas[area]->count; ++i) {
            const object_t *object = &objects[owner[area][i]];
            bool is_used = object != objects;
            bool head = is_used && block_of(object) == i;
            const blocks_word_t *word = &areas[area]->words[i / BLOCKS_WORD];
            CHECK((word->used >> i % 64 & 1) == is_used);
            CHECK((word->head >> i % 64 & 1) == head);
            CHECK((word->finaliser >> i % 64 & 1) == (head && object->finaliser));
            CHECK((word->weakref >> i % 64 & 1) == (head && object->weakref));
            free_run = is_used ? 0 : free_run + 1;
            if (free_run > model.longest_free && area != 2) {
                model.longest_free = free_run;
            }
            if (is_used) {
                end = i + 1;
                ++used;
            }
            if (head) {
                model.one_block += object->count == 1;
                model.two_blocks += object->count == 2;
                if (object->count > model.longest_used) {
                    model.longest_used = object->count;
                }
                CHECK(blocks_count(object->ptr) == object->count);
            }
        }
        CHECK(blocks_used(areas[area]) == used);
        CHECK(blocks_end(areas[area]) == end);
        model.used += used;
        model.total += area == 2 ? used : areas[area]->count;
    }
    blocks_info(&info);
    CHECK(memcmp(&info, &model, sizeof(info)) == 0);
    blocks_totals(&info);
    CHECK(info.used == model.used && info.total == model.total);
    CHECK(blocks_check());
    CHECK(blocks_count(NULL) == 0 && blocks_area_of(NULL) == NULL && blocks_area_of((void *)UINT64_MAX) == NULL);
}

// A tail without a head is found.
static void damage(void) {
    size_t area = any(AREAS);
    if (areas[area]->count == 0) {
        return;
    }
    size_t block = 1 + any(areas[area]->count - 1);
    if (owner[area][block] == 0 && owner[area][block - 1] == 0) {
        areas[area]->words[block / BLOCKS_WORD].used ^= UINT64_C(1) << block % BLOCKS_WORD;
        CHECK(!blocks_check());
        areas[area]->words[block / BLOCKS_WORD].used ^= UINT64_C(1) << block % BLOCKS_WORD;
    }
}

static void set_grown(size_t words) {
    blocks_grown.start = (uint64_t)grown_pool;
    blocks_grown.words = grown_words;
    blocks_grown.count = words * BLOCKS_WORD;
    blocks_changed();
}

// NULL: there is no room.
static uint64_t *allocate_one(void) {
    uint64_t *ptr = blocks_alloc(1);
    if (ptr != NULL) {
        add(ptr, 1, blocks_area_of(ptr) == &blocks_first ? 0 : 1);
        memset(ptr, 0, BLOCKS_SIZE);
    }
    return ptr;
}

// Objects that lead to two others each: more than can wait at a time.
static void collect_chain(void) {
    uint64_t *last = NULL;
    for (size_t i = any(6000); i > 0; --i) {
        uint64_t *ptr = allocate_one();
        uint64_t *value = ptr == NULL ? NULL : allocate_one();
        if (value == NULL) {
            break;
        }
        ptr[0] = (uint64_t)value;
        ptr[1] = (uint64_t)last;
        last = ptr;
    }
    collect(last);
}

// One that begins where another has ended and had grown before.
static void reuse(void) {
    for (size_t i = 0; i < 2; ++i) {
        uint64_t *ptr = allocate_one();
        object_t *object = ptr == NULL ? NULL : target((uint64_t)ptr, false);
        if (object == NULL) {
            return;
        }
        resize(object, 1 + any(4));
        resize(object, i == 0 ? 1 + any(2) : 1 + any(8));
        if (i == 1 || any(2)) {
            release(object);
        } else {
            collect(NULL);
        }
    }
}

static void begin(void) {
    memset(objects, 0, sizeof(objects));
    for (size_t i = 0; i < AREAS; ++i) {
        memset(owner[i], 0, GROWN_WORDS * BLOCKS_WORD * sizeof(uint32_t));
    }
    memset(grown_words, 0, GROWN_WORDS * sizeof(blocks_word_t));
    size_t off = any(32);
    blocks_init((char *)first_memory + off, (char *)first_memory + FIRST_SIZE - any(3000));
    CHECK(blocks_first.start % BLOCKS_SIZE == 0 && blocks_first.count > 0);
    CHECK(blocks_first.start + blocks_first.count * BLOCKS_SIZE <= (uint64_t)first_memory + FIRST_SIZE);
    if (any(2)) {
        memset(code.words, 0, CODE_WORDS * sizeof(blocks_word_t));
        blocks_grown.next = &code;
        code.count = CODE_WORDS * BLOCKS_WORD;
    } else {
        code.count = 0;
    }
    blocks_changed();
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    seed = strtoull(argv[1], NULL, 0);
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    first_memory = aligned_alloc(64, (FIRST_SIZE + 63) / 64 * 64);
    grown_pool = mmap(NULL, (size_t)GROWN_WORDS * BLOCKS_WORD * BLOCKS_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    grown_words = malloc(GROWN_WORDS * sizeof(blocks_word_t));
    mark_stack = malloc(STACK_SIZE);
    code = (blocks_area_t) {
        (uint64_t)aligned_alloc(64, CODE_WORDS * BLOCKS_WORD * BLOCKS_SIZE), 0,
        malloc(CODE_WORDS * sizeof(blocks_word_t)), NULL,
    };
    for (size_t i = 0; i < AREAS; ++i) {
        owner[i] = malloc(GROWN_WORDS * BLOCKS_WORD * sizeof(uint32_t));
    }
    areas[0] = &blocks_first;
    areas[1] = &blocks_grown;
    areas[2] = &code;
    begin();
    uint64_t count = strtoull(argv[2], NULL, 0);
    for (step = 0; step < count; ++step) {
        object_t *object = any_object();
        switch (any(20)) {
            default:
                allocate(any_count());
                break;
            case 0:
            case 1:
            case 2:
            case 3:
                if (object != NULL) {
                    release(object);
                }
                break;
            case 4:
            case 5:
            case 6:
                // The same one grows more than once.
                for (size_t i = any(4); object != NULL && object->area != 2 && i > 0; --i) {
                    resize(object, any(2) ? object->count + any(4) + (object->count == 0) : any_count());
                }
                break;
            case 7:
                if (any(10) == 0) {
                    set_grown(blocks_grown.count / BLOCKS_WORD + any(GROWN_WORDS + 1 - blocks_grown.count / BLOCKS_WORD));
                }
                break;
            case 8:
                if (any(10) == 0) {
                    collect(NULL);
                    if (any(2)) {
                        size_t least = (blocks_end(&blocks_grown) + BLOCKS_WORD - 1) / BLOCKS_WORD;
                        set_grown(least + any(blocks_grown.count / BLOCKS_WORD - least + 1));
                    }
                }
                break;
            case 9:
                if (any(20) == 0) {
                    damage();
                    compare();
                }
                if (any(100) == 0) {
                    collect_chain();
                }
                if (any(10) == 0) {
                    reuse();
                }
                if (any(2000) == 0) {
                    begin();
                }
                break;
            case 10:
                // No size is too large to be refused.
                CHECK(blocks_alloc(SIZE_MAX / BLOCKS_SIZE - any(100)) == NULL);
                if (object != NULL && object->area != 2) {
                    resize(object, SIZE_MAX / BLOCKS_SIZE - any(100));
                }
                break;
        }
    }
    compare();
    printf("%lu steps\n", (unsigned long)count);
    return 0;
}
