/* What the host uses of libcrypt (crypt(5), part of Debian's C library): bcrypt; see docs/adr/0010.
 * `struct crypt_data` is too large for Swift's importer, so the call is made here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CCRYPT_H
#define NEXO_CCRYPT_H

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* 1 when the passphrase gives the hash, 0 when not, -1 when there is no memory or the hash is none. Takes as long as the
 * hash's cost says, whatever the passphrase. */
static inline int ccrypt_matches(const char *passphrase, const char *hash) {
  struct crypt_data *data = (struct crypt_data *)calloc(1, sizeof *data);
  if (!data) return -1;
  const char *made = crypt_rn(passphrase, hash, data, (int)sizeof *data);
  int result = -1;
  if (made) {
    size_t length = strlen(hash);
    result = strlen(made) == length && CRYPTO_memcmp(made, hash, length) == 0;
  }
  OPENSSL_cleanse(data, sizeof *data);
  free(data);
  return result;
}

#endif
