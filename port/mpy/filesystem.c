// Around the file systems, which are C that nobody may leave or enter in the middle: they have lists and
// buffers of their own.
//
// What a block device made in Python raises waits until the file system has returned from the error that
// it is told instead. No hard callback enters one, and no other Python that comes in the middle of a
// call enters the same one again; another thread waits for it. The makefile reads the names of upstream's functions here.
#include <string.h>

#include "py/mperrno.h"
#include "py/mpthread.h"
#include "py/nlr.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "extmod/vfs_fat.h"
#include "extmod/vfs_lfs.h"

#include "frames/modframes.h"
#include "mpy/collect.h"
#include "mpy/filesystem.h"
#include "mpy/littlefs_order.h"
#include "mpy/thread.h"

// The file systems that run now, one for the device of the other, or for other threads.
typedef struct {
    const void *filesystem; // NULL: free
    mp_uint_t thread;       // that has the mutex
    mp_thread_mutex_t mutex;
} running_t;

#define MOST_RUNNING (16)
static running_t running[MOST_RUNNING];
static unsigned running_count;
static THREAD_OWN unsigned own_count;
THREAD_OWN void *filesystem_raised;

void filesystem_reset(void) {
    memset(running, 0, sizeof(running));
    running_count = own_count = 0;
    filesystem_raised = NULL;
}

void filesystem_keep_running(void) {
    for (unsigned i = 0; i < MOST_RUNNING; ++i) {
        running[i].thread = mp_thread_get_id();
    }
}

bool filesystem_is_running(void) {
    return running_count > 0;
}

bool filesystem_is_interrupted(void) {
    return filesystem_raised != NULL
           && mp_obj_exception_match(MP_OBJ_FROM_PTR(filesystem_raised), MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt));
}

mp_obj_t filesystem_keep(void *exception) {
    if (own_count == 0) {
        nlr_jump(exception);
    }
    if (filesystem_raised == NULL) {
        filesystem_raised = exception;
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
}

static running_t *find(const void *filesystem) {
    for (unsigned i = 0; i < MOST_RUNNING; ++i) {
        if (running[i].filesystem == filesystem) {
            return &running[i];
        }
    }
    return NULL;
}

static running_t *enter(const void *filesystem) {
    frames_refuse_interrupt();
    running_t *entry = find(filesystem);
    if (entry == NULL) {
        entry = find(NULL);
    }
    int got = -MP_EBUSY;
    if (entry != NULL && (entry->filesystem == NULL || entry->thread != mp_thread_get_id())) {
        entry->filesystem = filesystem;
        got = mp_thread_mutex_lock(&entry->mutex, true);
    }
    if (got < 0) {
        mp_raise_OSError(-got);
    }
    entry->thread = mp_thread_get_id();
    ++running_count;
    ++own_count;
    return entry;
}

static void leave(running_t *entry) {
    entry->thread = 0;
    mp_thread_mutex_unlock(&entry->mutex);
    if (!entry->mutex.locked) {
        // Nobody waits for it.
        entry->filesystem = NULL;
    }
    --own_count;
    if (--running_count == 0) {
        collect_resume_calls();
    }
    void *exception = filesystem_raised;
    if (exception != NULL) {
        filesystem_raised = NULL;
        nlr_jump(exception);
    }
}

// LittleFS's numbers of errors are negative, and one of them got through.
NORETURN void filesystem_raise_OSError(int number);

NORETURN void filesystem_raise_OSError(int number) {
    mp_raise_OSError(number < 0 ? -number : number);
}

// None of these functions has more than six arguments or one that is no integer or pointer, so all are
// called alike (System V ABI, AMD64, 3.2.3).
typedef uint64_t function_t(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

static uint64_t call(function_t *function, const void *filesystem, uint64_t a, uint64_t b, uint64_t c,
    uint64_t d, uint64_t e, uint64_t f) {
    running_t *entry = enter(filesystem);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        uint64_t result = function(a, b, c, d, e, f);
        nlr_pop();
        leave(entry);
        return result;
    }
    // A buffer that is not there, for one.
    if (filesystem_raised == NULL) {
        filesystem_raised = nlr.ret_val;
    }
    leave(entry);
    return 0;
}

void filesystem_add_path(vstr_t *vstr, const char *path);
char *filesystem_own_path(vstr_t *vstr);

// For LittleFS's relative paths, which it makes in the buffer of its current folder, where a callback would
// make the next one.
void filesystem_add_path(vstr_t *vstr, const char *path) {
    frames_refuse_interrupt();
    vstr_add_str(vstr, path);
}

char *filesystem_own_path(vstr_t *vstr) {
    char *path = vstr_null_terminated_str(vstr);
    char *own = m_new_maybe(char, vstr->len + 1);
    return own == NULL ? path : memcpy(own, path, vstr->len + 1);
}

// Upstream's change something before they ask the file system.
static mp_obj_t filesystem_mount(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    frames_refuse_interrupt();
    return mp_vfs_mount(n_args, args, kw_args);
}
MP_DEFINE_CONST_FUN_OBJ_KW(filesystem_mount_obj, 0, filesystem_mount);

static mp_obj_t filesystem_umount(mp_obj_t mount) {
    frames_refuse_interrupt();
    return mp_vfs_umount(mount);
}
MP_DEFINE_CONST_FUN_OBJ_1(filesystem_umount_obj, filesystem_umount);

static mp_obj_t filesystem_chdir(mp_obj_t path) {
    frames_refuse_interrupt();
    return mp_vfs_chdir(path);
}
MP_DEFINE_CONST_FUN_OBJ_1(filesystem_chdir_obj, filesystem_chdir);

#define GUARD_WITH(name, filesystem) \
    function_t __real_##name, __wrap_##name; \
    uint64_t __wrap_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        return call(__real_##name, filesystem, a, b, c, d, e, f); \
    }
// Their first argument is the file system, or a FIL or FF_DIR, which begin with its address.
#define GUARD(name) GUARD_WITH(name, (const void *)a)
#define GUARD_FILE(name) GUARD_WITH(name, *(const void *const *)a)

GUARD(lfs1_dir_close)
GUARD(lfs1_dir_open)
GUARD(lfs1_dir_read)
GUARD(lfs1_file_close)
GUARD(lfs1_file_opencfg)
GUARD(lfs1_file_read)
GUARD(lfs1_file_seek)
GUARD(lfs1_file_sync)
GUARD(lfs1_file_tell)
GUARD(lfs1_file_write)
GUARD(lfs1_format)
GUARD(lfs1_mkdir)
GUARD(lfs1_mount)
GUARD(lfs1_remove)
GUARD(lfs1_rename)
GUARD(lfs1_stat)
GUARD(lfs1_traverse)
GUARD(lfs1_unmount)
// Data are on the disk before what says where they are.
#define GUARD_ORDERED(name) \
    function_t __real_##name, __wrap_##name; \
    static uint64_t ordered_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        int error = littlefs_order((lfs2_t *)a, (lfs2_file_t *)b, (void *)__real_lfs2_file_read); \
        int result = __real_##name(a, b, c, d, e, f); \
        return error < 0 ? error : result; \
    } \
    uint64_t __wrap_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        return call(ordered_##name, (const void *)a, a, b, c, d, e, f); \
    }

GUARD(lfs2_dir_close)
GUARD(lfs2_dir_open)
GUARD(lfs2_dir_read)
GUARD(lfs2_file_opencfg)
GUARD(lfs2_file_read)
GUARD_ORDERED(lfs2_file_close)
GUARD_ORDERED(lfs2_file_sync)
GUARD(lfs2_file_seek)
GUARD(lfs2_file_tell)
GUARD(lfs2_file_write)
GUARD(lfs2_format)
GUARD(lfs2_fs_traverse)
GUARD(lfs2_getattr)
GUARD(lfs2_mkdir)
GUARD(lfs2_remove)
GUARD(lfs2_rename)
GUARD(lfs2_stat)
GUARD(lfs2_unmount)
GUARD(f_chdir)
GUARD_FILE(f_close)
GUARD_FILE(f_closedir)
GUARD(f_getcwd)
GUARD(f_getfree)
GUARD_FILE(f_lseek)
GUARD(f_mkdir)
GUARD(f_mkfs)
GUARD(f_mount)
GUARD(f_open)
GUARD(f_opendir)
GUARD_FILE(f_read)
GUARD_FILE(f_readdir)
GUARD(f_rename)
GUARD(f_stat)
GUARD_FILE(f_sync)
GUARD(f_unlink)
GUARD_FILE(f_write)

// How upstream's objects of mounted file systems begin.
typedef struct {
    mp_obj_base_t base;
    mp_vfs_blockdev_t blockdev;
} mounted_t;

// From there to LittleFS's own.
static size_t lfs2_offset;

function_t __real_lfs2_mount, __wrap_lfs2_mount;

static uint64_t mount_lfs2(uint64_t lfs2, uint64_t config, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    lfs2_offset = lfs2 - (uint64_t)((const struct lfs2_config *)config)->context;
    return __real_lfs2_mount(lfs2, config, c, d, e, f);
}

uint64_t __wrap_lfs2_mount(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    return call(mount_lfs2, (const void *)a, a, b, c, d, e, f);
}

static uint64_t sync_lfs2(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    lfs2_t *lfs2 = (lfs2_t *)a;
    for (struct lfs2_mlist *one = lfs2->mlist; one != NULL; one = one->next) {
        if (one->type == LFS2_TYPE_REG) {
            int error = ordered_lfs2_file_sync(a, (uint64_t)one, c, d, e, f);
            if (error < 0) {
                return error;
            }
        }
    }
    return lfs2->cfg->sync(lfs2->cfg);
}

bool filesystem_can_sync(mp_obj_t fs) {
    return mp_obj_is_type(fs, &mp_fat_vfs_type) || mp_obj_is_type(fs, &mp_type_vfs_lfs1)
           || mp_obj_is_type(fs, &mp_type_vfs_lfs2);
}

void filesystem_sync(void *fs) {
    frames_refuse_interrupt();
    mounted_t *mounted = fs;
    int error;
    if (mounted->base.type == &mp_type_vfs_lfs2) {
        lfs2_t *lfs2 = (lfs2_t *)((uint8_t *)&mounted->blockdev + lfs2_offset);
        error = call(sync_lfs2, lfs2, (uint64_t)lfs2, 0, 0, 0, 0, 0);
    } else {
        mp_obj_t result = mp_vfs_blockdev_ioctl(&mounted->blockdev, MP_BLOCKDEV_IOCTL_SYNC, 0);
        error = mp_obj_is_small_int(result) ? MP_OBJ_SMALL_INT_VALUE(result) : 0;
    }
    if (error < 0) {
        mp_raise_OSError(-error);
    }
}
