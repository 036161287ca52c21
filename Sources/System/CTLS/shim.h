/* What the host uses of OpenSSL's libssl; see docs/adr/0010. Macros of its headers as functions, nothing more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CTLS_H
#define NEXO_CTLS_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline int ctls_set_versions(SSL_CTX *context, int lowest, int highest) {
  return SSL_CTX_set_min_proto_version(context, lowest) == 1 && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

static inline int ctls_set_groups(SSL_CTX *context, const char *names) {
  return SSL_CTX_set1_groups_list(context, names) == 1;
}

/* No sessions kept between connections, so that a client certificate is judged anew each time; no renegotiation. */
static inline void ctls_set_modes(SSL_CTX *context, int serversOrder) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(
      context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                   (serversOrder ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
  SSL_CTX_set_mode(
      context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

/* A key with a passphrase is refused; OpenSSL would otherwise ask for it on the terminal. */
static inline int ctls_no_passphrase(char *buffer, int size, int rw, void *data) {
  (void)buffer, (void)size, (void)rw, (void)data;
  return -1;
}
static inline void ctls_refuse_passphrases(SSL_CTX *context) {
  SSL_CTX_set_default_passwd_cb(context, ctls_no_passphrase);
}

/* Whom the client says it is, whatever its issuer: for the policies that ask for a certificate and do not verify it. */
static inline int ctls_take_any(int verified, X509_STORE_CTX *store) {
  (void)verified, (void)store;
  return 1;
}
static inline void ctls_set_verify(SSL_CTX *context, int mode, int any) {
  SSL_CTX_set_verify(context, mode, any ? ctls_take_any : NULL);
}

/* Two BIOs in memory between the session and whoever owns the socket. The session owns them. */
static inline int ctls_attach_memory(SSL *session) {
  BIO *in = BIO_new(BIO_s_mem());
  BIO *out = BIO_new(BIO_s_mem());
  if (!in || !out) {
    BIO_free(in);
    BIO_free(out);
    return 0;
  }
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(session, in, out);
  SSL_set_accept_state(session);
  return 1;
}

static inline int ctls_pending_output(SSL *session) { return (int)BIO_ctrl_pending(SSL_get_wbio(session)); }

/* Whether the peer's certificate bears the name as a DNS name, an e-mail address, an IP address or a URI. */
static inline int ctls_has_alternative_name(X509 *certificate, const char *wanted, size_t length) {
  unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
  if (X509_check_host(certificate, wanted, length, flags, NULL) == 1) return 1;
  if (X509_check_email(certificate, wanted, length, flags) == 1) return 1;
  if (X509_check_ip_asc(certificate, wanted, flags) == 1) return 1;
  int found = 0;
  GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  for (int index = 0; names && index < sk_GENERAL_NAME_num(names); index++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    if ((size_t)ASN1_STRING_length(uri) == length && memcmp(ASN1_STRING_get0_data(uri), wanted, length) == 0) found = 1;
  }
  GENERAL_NAMES_free(names);
  return found;
}

#endif
