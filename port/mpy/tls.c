// Between extmod/modtls_mbedtls.c and Mbed TLS, in the place of the functions that the makefile names, and
// what Mbed TLS asks of the machine. No exception leaves its middle, and nobody comes in twice.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"

#include "mbedtls/entropy.h"
#include "mbedtls/pk.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/ssl.h"
#include "mbedtls/x509_crt.h"

#include "mpy/stackcheck.h"
#include "mpy/tls.h"
#include "mpy/versions.h"

// Who is in Mbed TLS with a connection, on its own stack.
typedef struct call {
    struct call *next;
    mbedtls_ssl_context *ssl;
    // What the connection had before.
    mbedtls_ssl_send_t *send;
    mbedtls_ssl_recv_t *recv;
    void *stream;
    void *raised;   // what Python has raised in a callback
    bool closed;    // it has been, in a callback
} call_t;

static call_t *calls;       // of this interpreter
static bool out_of_memory;  // since the last call has begun

void tls_reset(void) {
    calls = NULL;
}

void *tls_calloc(size_t count, size_t size) {
    void *memory = m_tracked_calloc(count, size);
    out_of_memory |= memory == NULL;
    return memory;
}

static call_t *find_call(const mbedtls_ssl_context *ssl) {
    call_t *call = calls;
    while (call != NULL && call->ssl != ssl) {
        call = call->next;
    }
    return call;
}

// ---- what Mbed TLS calls

static int call_send(void *ctx, const unsigned char *buf, size_t size) {
    call_t *call = ctx;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        call->raised = nlr.ret_val;
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    int count = call->closed ? 0 : call->send(call->stream, buf, size);
    nlr_pop();
    // For nothing sent it would go on as if all were.
    return call->closed ? -MP_EBADF : count == 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : count;
}

static int call_recv(void *ctx, unsigned char *buf, size_t size) {
    call_t *call = ctx;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        call->raised = nlr.ret_val;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    int count = call->closed ? 0 : call->recv(call->stream, buf, size);
    nlr_pop();
    return call->closed ? -MP_EBADF : count;
}

static int call_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    call_t *call = ctx;
    const mbedtls_ssl_config *conf = call->ssl->conf;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        call->raised = nlr.ret_val;
        return MBEDTLS_ERR_X509_FATAL_ERROR;
    }
    int result = conf->f_vrfy(conf->p_vrfy, certificate, depth, flags);
    nlr_pop();
    // A number above 0 would be taken for that of the bytes read.
    return call->closed || result > 0 ? MBEDTLS_ERR_X509_FATAL_ERROR : result;
}

// ---- what calls it

typedef enum { HANDSHAKE, READ, WRITE, ALERT } what_t;

// Private to the library: sends what a call that was left in the middle has left.
int mbedtls_ssl_flush_output(mbedtls_ssl_context *ssl);

static int start(mbedtls_ssl_context *ssl, what_t what, void *buf, size_t size) {
    if (what == WRITE && ssl->user_data.n != 0) {
        int result = mbedtls_ssl_flush_output(ssl);
        if (result != 0) {
            return result;
        }
        ssl->user_data.n = 0;
    }
    switch (what) {
        case HANDSHAKE:
            return mbedtls_ssl_handshake(ssl);
        case READ:
            return mbedtls_ssl_read(ssl, buf, size);
        case WRITE:
            return mbedtls_ssl_write(ssl, buf, size);
        default:
            return mbedtls_ssl_send_alert_message(ssl, size >> 8, size);
    }
}

static int run(mbedtls_ssl_context *ssl, what_t what, void *buf, size_t size) {
    if (find_call(ssl) != NULL) {
        mp_raise_OSError(MP_EBUSY);
    }
    // A handshake takes half of the margin; streams can be by TLS themselves.
    mp_cstack_check();
    if (ssl->conf == NULL || ssl->conf->f_rng == NULL) {
        // It is closed, or its context has been freed by hand.
        return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    }
    call_t call = { .next = calls, .ssl = ssl, .send = ssl->f_send, .recv = ssl->f_recv, .stream = ssl->p_bio };
    calls = &call;
    mbedtls_ssl_set_bio(ssl, &call, call_send, call_recv, NULL);
    mbedtls_ssl_set_verify(ssl, call_verify, &call);
    out_of_memory = false;
    int result = 0;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        result = start(ssl, what, buf, size);
        nlr_pop();
    } else {
        // A fault, and not in a callback.
        call.raised = nlr.ret_val;
    }
    // Other threads may have begun later and not ended yet.
    call_t **at = &calls;
    while (*at != &call) {
        at = &(*at)->next;
    }
    *at = call.next;
    mbedtls_ssl_set_bio(ssl, call.stream, call.send, call.recv, NULL);
    mbedtls_ssl_set_verify(ssl, NULL, NULL);
    ssl->user_data.n |= what == WRITE && call.raised != NULL;
    if (call.closed) {
        mbedtls_ssl_free(ssl);
    }
    if (call.raised != NULL) {
        nlr_jump(call.raised);
    }
    bool waits = result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
    return result < 0 && !waits && out_of_memory ? MBEDTLS_ERR_SSL_ALLOC_FAILED : result;
}

// A callback of Python's that raises has these four end as if they had to wait; what it has raised is raised then.
// OSError EBUSY: called in such a callback, or by another thread meanwhile. RuntimeError: the stack ends too soon.
int tls_handshake(mbedtls_ssl_context *ssl) {
    return run(ssl, HANDSHAKE, NULL, 0);
}

int tls_read(mbedtls_ssl_context *ssl, unsigned char *buf, size_t size) {
    return run(ssl, READ, buf, size);
}

int tls_write(mbedtls_ssl_context *ssl, const unsigned char *buf, size_t size) {
    return run(ssl, WRITE, (void *)buf, size);
}

int tls_send_alert(mbedtls_ssl_context *ssl, unsigned char level, unsigned char message) {
    return run(ssl, ALERT, NULL, level << 8 | message);
}

// In such a callback it is freed when that call has ended, which then says that it is closed.
void tls_free(mbedtls_ssl_context *ssl) {
    call_t *call = find_call(ssl);
    if (call != NULL) {
        call->closed = true;
    } else {
        mbedtls_ssl_free(ssl);
    }
}

const char *tls_get_ciphersuite(const mbedtls_ssl_context *ssl) {
    const char *name = mbedtls_ssl_get_ciphersuite(ssl);
    if (name == NULL) {
        mp_raise_OSError(MP_ENOTCONN);
    }
    return name;
}

// These two raise MemoryError, where nothing is wrong with a key or a certificate.
int tls_parse_key(mbedtls_pk_context *key, const unsigned char *data, size_t size, const unsigned char *password, size_t password_size,
    int (*random)(void *, unsigned char *, size_t), void *random_state) {
    out_of_memory = false;
    int result = mbedtls_pk_parse_key(key, data, size, password, password_size, random, random_state);
    if (result != 0 && out_of_memory) {
        mp_raise_type(&mp_type_MemoryError);
    }
    return result;
}

int tls_parse_certificate(mbedtls_x509_crt *chain, const unsigned char *data, size_t size) {
    out_of_memory = false;
    int result = mbedtls_x509_crt_parse(chain, data, size);
    if (result != 0 && out_of_memory) {
        mp_raise_type(&mp_type_MemoryError);
    }
    return result;
}

// The first step of a context's end, which a program can call, too.
void tls_free_key(mbedtls_pk_context *key) {
    for (const call_t *call = calls; call != NULL; call = call->next) {
        // What the configuration gives the verifier is the context that both it and the key are in.
        size_t offset = (char *)key - (char *)call->ssl->conf->p_vrfy;
        if (offset < gc_nbytes(call->ssl->conf->p_vrfy)) {
            mp_raise_OSError(MP_EBUSY);
        }
    }
    mbedtls_pk_free(key);
}

// verify_callback: what it keeps of the certificate is its own.
mp_obj_t tls_call_verify(mp_obj_t function, mp_obj_t certificate, mp_obj_t depth) {
    mp_buffer_info_t data;
    mp_get_buffer_raise(certificate, &data, MP_BUFFER_READ);
    mp_obj_array_t *copy = MP_OBJ_TO_PTR(mp_obj_new_memoryview('B', data.len, NULL));
    copy->items = memcpy(m_new(byte, data.len), data.buf, data.len);
    return mp_call_function_2(function, MP_OBJ_FROM_PTR(copy), depth);
}

// setblocking() of a stream that is closed has none below it.
void tls_load_method(mp_obj_t socket, qstr name, mp_obj_t *method) {
    if (socket == MP_OBJ_NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    mp_load_method(socket, name, method);
}

// ---- what it asks of the machine

time_t tls_time(time_t *time) {
    time_t now = mp_hal_time_ns() / 1000000000;
    if (time != NULL) {
        *time = now;
    }
    return now;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return mp_hal_ticks_ms();
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *tm) {
    timeutils_struct_time_t from;
    timeutils_seconds_since_epoch_to_struct_time(*seconds, &from);
    *tm = (struct tm) {
        .tm_year = from.tm_year - 1900,
        .tm_mon = from.tm_mon - 1,
        .tm_mday = from.tm_mday,
        .tm_hour = from.tm_hour,
        .tm_min = from.tm_min,
        .tm_sec = from.tm_sec,
    };
    return tm;
}

#if !VERSION_URANDOM_UPSTREAM
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    mp_hal_get_random(len, output);
    *olen = len;
    return 0;
}
#endif
