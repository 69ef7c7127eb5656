// TLS: what extmod/modtls_mbedtls.c calls Mbed TLS through.
#ifndef RINGZERO_MPY_TLS_H
#define RINGZERO_MPY_TLS_H

// At the start of an interpreter: nobody is in the middle of it.
#if MICROPY_SSL_MBEDTLS
void tls_reset(void);
#else
static inline void tls_reset(void) {
}
#endif

#endif
