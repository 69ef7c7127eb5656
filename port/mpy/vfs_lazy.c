// A file system that is made when somebody uses it.
#include "py/mpthread.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#include "frames/modframes.h"
#include "mpy/vfs_lazy.h"

typedef struct {
    mp_obj_base_t base;
    mp_obj_t make, size;
    mp_obj_t made; // or MP_OBJ_NULL
    mp_thread_mutex_t mutex;
} vfs_lazy_t;

static const mp_obj_type_t vfs_lazy_type;

// _lazy(make, size): stands in for a file system with nothing in it. The first use of it calls
// make(size), which returns the real one, and that takes its place.
static mp_obj_t vfs_lazy(mp_obj_t make, mp_obj_t size) {
    vfs_lazy_t *self = mp_obj_malloc(vfs_lazy_t, &vfs_lazy_type);
    self->make = make;
    self->size = size;
    self->made = MP_OBJ_NULL;
    mp_thread_mutex_init(&self->mutex);
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_2(vfs_lazy_obj, vfs_lazy);

static mp_obj_t lazy_nothing(size_t n_args, const mp_obj_t *args) {
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(lazy_nothing_obj, 0, lazy_nothing);

// No callback comes meanwhile that might want the same, and other threads wait.
static void make(vfs_lazy_t *self) {
    frames_refuse_interrupt();
    int got = mp_thread_mutex_lock(&self->mutex, true);
    if (got < 0) {
        mp_raise_OSError(-got);
    }
    mp_sched_lock();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        mp_sched_unlock();
        mp_thread_mutex_unlock(&self->mutex);
        nlr_jump(nlr.ret_val);
    }
    if (self->made == MP_OBJ_NULL) {
        self->made = mp_call_function_1(self->make, self->size);
    }
    nlr_pop();
    for (mp_vfs_mount_t *vfs = MP_STATE_VM(vfs_mount_table); vfs != NULL; vfs = vfs->next) {
        if (vfs->obj == MP_OBJ_FROM_PTR(self)) {
            vfs->obj = self->made;
        }
    }
    mp_sched_unlock();
    mp_thread_mutex_unlock(&self->mutex);
}

static void lazy_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    vfs_lazy_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (self->made == MP_OBJ_NULL && (attr == MP_QSTR_mount || attr == MP_QSTR_umount)) {
        dest[0] = MP_OBJ_FROM_PTR(&lazy_nothing_obj);
        return;
    }
    if (self->made == MP_OBJ_NULL) {
        make(self);
    }
    mp_load_method_maybe(self->made, attr, dest);
}

static mp_import_stat_t lazy_import_stat(void *self_in, const char *path) {
    vfs_lazy_t *self = self_in;
    if (self->made == MP_OBJ_NULL) {
        return MP_IMPORT_STAT_NO_EXIST;
    }
    const mp_vfs_proto_t *proto = MP_OBJ_TYPE_GET_SLOT(mp_obj_get_type(self->made), protocol);
    return proto->import_stat(MP_OBJ_TO_PTR(self->made), path);
}

static const mp_vfs_proto_t lazy_proto = {
    .import_stat = lazy_import_stat,
};

// Shown as what it will be.
static MP_DEFINE_CONST_OBJ_TYPE(
    vfs_lazy_type,
    MP_QSTR_VfsLfs2,
    MP_TYPE_FLAG_NONE,
    attr, lazy_attr,
    protocol, &lazy_proto
    );
