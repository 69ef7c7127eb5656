// LittleFS on a disk whose power fails: power_cuts SERIES SEED [unordered]
//
// The disk has a cache. What it was given since the last flush may be there after a cut or not, sector by
// sector. A series changes files at random until the power fails at a moment at random; then
// LittleFS must mount, have all that a return from close, sync, rename or remove has promised, and
// take a file. "unordered" leaves out what the kernel does for that. Status 1: something was lost.
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/littlefs/lfs2.h"
#include "mpy/littlefs_order.h"

#define SECTOR (512u)
#define BLOCK (4096u)
#define BLOCKS (64u)
#define FILES (6)
#define LONGEST (20000u)
#define PENDING_MAX (4096)

static uint64_t chance_state;

static unsigned chance(unsigned below) {
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (chance_state >> 11) % below;
}

// The disk.
static uint8_t lasting[BLOCKS * BLOCK], seen[BLOCKS * BLOCK];
static struct {
    unsigned sector;
    uint8_t data[SECTOR];
} pending[PENDING_MAX];
static unsigned pending_count;
static unsigned until_cut; // steps; 0: never
static jmp_buf cut;

static void step(void) {
    if (until_cut > 0 && --until_cut == 0) {
        longjmp(cut, 1);
    }
}

static void settle(unsigned percent) {
    for (unsigned i = 0; i < pending_count; ++i) {
        if (chance(100) < percent) {
            memcpy(lasting + pending[i].sector * SECTOR, pending[i].data, SECTOR);
        }
    }
    pending_count = 0;
    memcpy(seen, lasting, sizeof(seen));
}

static int disk_read(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off, void *buf, lfs2_size_t size) {
    memcpy(buf, seen + block * BLOCK + off, size);
    return 0;
}

static int disk_sync(const struct lfs2_config *c) {
    step();
    settle(100);
    return 0;
}

static int disk_prog(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off, const void *buf, lfs2_size_t size) {
    for (unsigned at = 0; at < size; at += SECTOR) {
        step();
        if (pending_count == PENDING_MAX) {
            settle(100);
        }
        pending[pending_count].sector = (block * BLOCK + off + at) / SECTOR;
        memcpy(pending[pending_count++].data, (const uint8_t *)buf + at, SECTOR);
        memcpy(seen + block * BLOCK + off + at, (const uint8_t *)buf + at, SECTOR);
    }
    return 0;
}

static int disk_erase(const struct lfs2_config *c, lfs2_block_t block) {
    return 0;
}

static _Alignas(8) uint8_t buffers[3][BLOCK], file_buffer[BLOCK];
static const struct lfs2_file_config file_config = { .buffer = file_buffer };

// As modules/_filesystems.py and extmod/vfs_lfsx.c have it.
static const struct lfs2_config config = {
    .read = disk_read,
    .prog = disk_prog,
    .erase = disk_erase,
    .sync = disk_sync,
    .read_size = 1024,
    .prog_size = SECTOR,
    .block_size = BLOCK,
    .block_count = BLOCKS,
    .block_cycles = 100,
    .cache_size = 4096,
    .lookahead_size = 128,
    .read_buffer = buffers[0],
    .prog_buffer = buffers[1],
    .lookahead_buffer = buffers[2],
};

// What has been promised: of each file, and of those that a step changes now, in place of that.
typedef struct {
    bool there;
    unsigned size;
    uint8_t data[LONGEST];
} file_t;

static file_t promised[FILES], next[FILES];
static unsigned changing; // a bit for each file
static lfs2_t fs;
static bool ordered = true;
static const char *step_name = "";

static const char *path(unsigned i) {
    static char text[2][16];
    static unsigned turn;
    turn ^= 1;
    snprintf(text[turn], sizeof(text[turn]), i < FILES / 2 ? "f%u" : "d/f%u", i);
    return text[turn];
}

static void must(int result, const char *what) {
    if (result < 0 && result != LFS2_ERR_NOSPC) {
        printf("%s in %s: %d\n", what, step_name, result);
        exit(1);
    }
}

static void begin(const char *name, unsigned files) {
    step_name = name;
    changing = files;
}

static void done(void) {
    for (unsigned i = 0; i < FILES; ++i) {
        if (changing >> i & 1) {
            promised[i] = next[i];
        }
    }
    changing = 0;
}

static int save(lfs2_file_t *file, bool close) {
    if (ordered) {
        must(littlefs_order(&fs, file, lfs2_file_read), "order");
    }
    return close ? lfs2_file_close(&fs, file) : lfs2_file_sync(&fs, file);
}

static void write_file(unsigned i) {
    lfs2_file_t file;
    bool append = chance(2), create = !promised[i].there;
    next[i] = promised[i];
    if (create) {
        next[i].there = true;
        next[i].size = 0;
    }
    begin("open", create << i);
    int got = lfs2_file_opencfg(&fs, &file, path(i),
        LFS2_O_RDWR | LFS2_O_CREAT | (append ? 0 : LFS2_O_TRUNC), &file_config);
    must(got, "open");
    if (got < 0) {
        changing = 0;
        return;
    }
    done();
    if (!append) {
        next[i].size = 0;
    }
    bool full = false;
    for (unsigned part = chance(4) + 1; part > 0; --part) {
        unsigned at = chance(4) ? next[i].size : chance(next[i].size + 1);
        unsigned size = chance(3) ? chance(300) : chance(9000);
        if (at + size > LONGEST) {
            size = LONGEST - at;
        }
        must(lfs2_file_seek(&fs, &file, at, LFS2_SEEK_SET), "seek");
        for (unsigned k = 0; k < size; ++k) {
            next[i].data[at + k] = chance(256);
        }
        int wrote = lfs2_file_write(&fs, &file, next[i].data + at, size);
        must(wrote, "write");
        full = full || wrote < 0;
        if (at + size > next[i].size) {
            next[i].size = at + size;
        }
        if (!full && chance(3) == 0) {
            begin("sync", 1 << i);
            int synced = save(&file, false);
            must(synced, "sync");
            full = synced < 0;
            if (!full) {
                done();
            }
        }
    }
    begin("close", full ? 0 : 1 << i);
    int closed = save(&file, true);
    must(closed, "close");
    if (closed >= 0) {
        done();
    }
    changing = 0;
}

static void change(void) {
    unsigned i = chance(FILES), j = chance(FILES);
    if (chance(6) == 0 && promised[i].there) {
        next[i].there = false;
        begin("remove", 1 << i);
        must(lfs2_remove(&fs, path(i)), "remove");
        done();
    } else if (chance(5) == 0 && promised[i].there && i != j) {
        next[j] = promised[i];
        next[i].there = false;
        begin("rename", 1 << i | 1 << j);
        int got = lfs2_rename(&fs, path(i), path(j));
        must(got, "rename");
        if (got >= 0) {
            done();
        }
        changing = 0;
    } else {
        write_file(i);
    }
}

static bool is(unsigned i, const file_t *want) {
    static uint8_t data[LONGEST + 1];
    lfs2_file_t file;
    int got = lfs2_file_opencfg(&fs, &file, path(i), LFS2_O_RDONLY, &file_config);
    if (got < 0) {
        return !want->there && got == LFS2_ERR_NOENT;
    }
    int size = lfs2_file_read(&fs, &file, data, sizeof(data));
    lfs2_file_close(&fs, &file);
    return want->there && size == (int)want->size && memcmp(data, want->data, size) == 0;
}

// Whether all is as promised, with what was changing as it was before, or all as it would be after.
static bool kept(bool after) {
    for (unsigned i = 0; i < FILES; ++i) {
        if (!is(i, after && (changing >> i & 1) ? &next[i] : &promised[i])) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    unsigned series = atoi(argv[1]);
    chance_state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
    ordered = argc < 4;
    must(lfs2_format(&fs, &config), "format");
    must(lfs2_mount(&fs, &config), "mount");
    must(lfs2_mkdir(&fs, "d"), "mkdir");
    must(lfs2_unmount(&fs), "unmount");
    settle(100);
    for (volatile unsigned n = 0; n < series; ++n) {
        if (setjmp(cut) == 0) {
            until_cut = chance(600) + 1;
            must(lfs2_mount(&fs, &config), "mount");
            for (;;) {
                change();
            }
        }
        settle((unsigned[]) {0, 50, 90, 100}[chance(4)]);
        if (lfs2_mount(&fs, &config) < 0) {
            printf("series %u: a cut in %s: it does not mount\n", n, step_name);
            return 1;
        }
        bool old = kept(false);
        if (!old && !kept(true)) {
            printf("series %u: a cut in %s: something was lost\n", n, step_name);
            return 1;
        }
        if (!old) {
            done();
        }
        changing = 0;
        memcpy(next, promised, sizeof(next));
        write_file(chance(FILES));
        must(lfs2_unmount(&fs), "unmount");
    }
    printf("%u series\n", series);
    return 0;
}
