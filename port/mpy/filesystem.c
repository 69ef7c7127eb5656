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
#include "py/stream.h"
#include "extmod/vfs.h"
#include "extmod/vfs_fat.h"
#include "extmod/vfs_lfs.h"
#include "lib/littlefs/lfs1.h"
#include "lib/littlefs/lfs2.h"

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

// Upstream's seek() gives FAT and LittleFS the lowest 32 bits of a place, one before the file's begin as well.
static mp_obj_t filesystem_seek(size_t n_args, const mp_obj_t *args) {
    mp_get_stream_raise(args[0], MP_STREAM_OP_IOCTL);
    mp_int_t place = mp_obj_get_int(args[1]);
    mp_int_t whence = n_args == 3 ? mp_obj_get_int(args[2]) : MP_SEEK_SET;
    int error = MP_EINVAL;
    mp_off_t before = mp_stream_seek(args[0], 0, MP_SEEK_CUR, &error);
    mp_off_t from = whence == MP_SEEK_SET || before < 0 ? 0
        : whence == MP_SEEK_CUR ? before
        : whence == MP_SEEK_END ? mp_stream_seek(args[0], 0, MP_SEEK_END, &error) : -1;
    if (before < 0 || from < 0) {
        mp_raise_OSError(error);
    }
    bool fits = !__builtin_add_overflow(from, place, &place) && place >= 0 && place <= UINT32_MAX;
    mp_off_t now = mp_stream_seek(args[0], fits ? place : before, MP_SEEK_SET, &error);
    if (!fits || now < 0) {
        mp_raise_OSError(fits ? error : MP_EINVAL);
    }
    return mp_obj_new_int_from_ull(now);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(filesystem_seek_obj, 2, 3, filesystem_seek);

#define DECLARE(name) function_t __real_##name, __wrap_##name;
#define WRAP(name, function, filesystem) \
    uint64_t __wrap_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        return call(function, filesystem, a, b, c, d, e, f); \
    }
#define GUARD_WITH(name, filesystem) DECLARE(name) WRAP(name, __real_##name, filesystem)
// Their first argument is the file system, or a FIL or FF_DIR, which begin with its address.
#define OWN ((const void *)a)
#define OF_FILE (*(const void *const *)a)
#define GUARD(name) GUARD_WITH(name, OWN)
#define GUARD_FILE(name) GUARD_WITH(name, OF_FILE)

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
GUARD(lfs1_stat)
GUARD(lfs1_traverse)
GUARD(lfs1_unmount)
// Data are on the disk before what says where they are.
#define GUARD_ORDERED(name) \
    DECLARE(name) \
    static uint64_t ordered_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        int error = littlefs_order((lfs2_t *)a, (lfs2_file_t *)b, (void *)__real_lfs2_file_read); \
        int result = __real_##name(a, b, c, d, e, f); \
        return error < 0 ? error : result; \
    } \
    WRAP(name, ordered_##name, OWN)

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
GUARD(lfs2_stat)
GUARD(lfs2_unmount)
GUARD(f_chdir)
GUARD_FILE(f_close)
GUARD_FILE(f_closedir)
GUARD(f_getcwd)
GUARD(f_getfree)
GUARD(f_mkdir)
GUARD(f_mkfs)
GUARD(f_mount)
GUARD(f_open)
GUARD(f_opendir)
GUARD_FILE(f_read)
GUARD_FILE(f_readdir)
GUARD(f_stat)
GUARD_FILE(f_sync)
GUARD(f_unlink)
GUARD_FILE(f_write)

DECLARE(f_lseek)

// A place behind a file's end makes it longer on FAT. Where the disk has no room for that, all that there is
// would be the file's. Upstream hears of no error.
static uint64_t checked_f_lseek(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    FIL *file = (FIL *)a;
    FSIZE_t size = f_size(file), place = f_tell(file);
    FRESULT result = __real_f_lseek(a, b, c, d, e, f);
    if (result != FR_OK) {
        mp_raise_OSError(fresult_to_errno_table[result]);
    }
    if (f_size(file) > size && f_tell(file) < (FSIZE_t)b) {
        __real_f_lseek(a, size, c, d, e, f);
        f_truncate(file);
        __real_f_lseek(a, place, c, d, e, f);
        mp_raise_OSError(MP_ENOSPC);
    }
    return result;
}

WRAP(f_lseek, checked_f_lseek, OF_FILE)

// A folder that is moved into itself would be nowhere, with all that it holds: no file system looks for that.
#define GUARD_RENAME(name) \
    DECLARE(name) \
    static uint64_t checked_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
        return below_##name(a, (const char *)b, (const char *)c) ? (uint64_t)INVALID_##name : __real_##name(a, b, c, d, e, f); \
    } \
    WRAP(name, checked_##name, OWN)

// LittleFS's paths begin at its root, and it takes ".." for the name before.
static char *plain(const char *path) {
    char *plain = m_new(char, strlen(path) + 3);
    size_t at = 0;
    while (*path != '\0') {
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        if (size == 2 && memcmp(path, "..", 2) == 0) {
            while (at > 0 && plain[--at] != '/') {
            }
        } else if (size > 1 || (size == 1 && *path != '.')) {
            plain[at++] = '/';
            memcpy(plain + at, path, size);
            at += size;
        }
        path += size;
    }
    plain[at] = '/';
    plain[at + 1] = '\0';
    return plain;
}

static bool is_below(const char *folder, const char *path) {
    folder = plain(folder);
    path = plain(path);
    size_t size = strlen(folder);
    return strncmp(folder, path, size) == 0 && path[size] != '\0';
}

#define INVALID_lfs1_rename LFS1_ERR_INVAL
#define INVALID_lfs2_rename LFS2_ERR_INVAL
#define INVALID_f_rename    FR_INVALID_PARAMETER

static bool below_lfs1_rename(uint64_t fs, const char *from, const char *to) {
    struct lfs1_info info;
    return __real_lfs1_stat(fs, (uint64_t)from, (uint64_t)&info, 0, 0, 0) == 0 && info.type == LFS1_TYPE_DIR
           && is_below(from, to);
}

static bool below_lfs2_rename(uint64_t fs, const char *from, const char *to) {
    struct lfs2_info info;
    return __real_lfs2_stat(fs, (uint64_t)from, (uint64_t)&info, 0, 0, 0) == 0 && info.type == LFS2_TYPE_DIR
           && is_below(from, to);
}

// Where a folder begins; the root at 0, as in an entry for "..".
static bool cluster_of(uint64_t fs, const char *path, DWORD *cluster) {
    FF_DIR dir;
    if ((FRESULT)__real_f_opendir(fs, (uint64_t)&dir, (uint64_t)path, 0, 0, 0) != FR_OK) {
        return false;
    }
    *cluster = dir.obj.sclust;
    __real_f_closedir((uint64_t)&dir, 0, 0, 0, 0, 0);
    return true;
}

// A name on FAT may be written in many ways: the folders are compared from that of `to` up to the root.
static bool below_f_rename(uint64_t fs, const char *from, const char *to) {
    DWORD folder, above;
    if (!cluster_of(fs, from, &folder)) {
        return false;
    }
    const char *name = strrchr(to, '/');
    vstr_t path;
    vstr_init(&path, strlen(to) + 2);
    if (name == NULL) {
        vstr_add_char(&path, '.');
    } else {
        vstr_add_strn(&path, to, name == to ? 1 : name - to);
    }
    while (cluster_of(fs, vstr_null_terminated_str(&path), &above) && above != 0) {
        if (above == folder) {
            return true;
        }
        vstr_add_str(&path, "/..");
    }
    return false;
}

GUARD_RENAME(lfs1_rename)
GUARD_RENAME(lfs2_rename)
GUARD_RENAME(f_rename)

// How upstream's objects of mounted file systems begin.
typedef struct {
    mp_obj_base_t base;
    mp_vfs_blockdev_t blockdev;
} mounted_t;

// From there to LittleFS's own.
static size_t lfs2_offset;

DECLARE(lfs2_mount)

static uint64_t mount_lfs2(uint64_t lfs2, uint64_t config, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    lfs2_offset = lfs2 - (uint64_t)((const struct lfs2_config *)config)->context;
    return __real_lfs2_mount(lfs2, config, c, d, e, f);
}

WRAP(lfs2_mount, mount_lfs2, OWN)

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
