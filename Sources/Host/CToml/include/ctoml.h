/* TOML 1.0 text to a flat list of nodes, each with the line and column of its key and of its value. A shim over toml++.
 * Called by HostPlugins (TomlDocument.swift) for plugin.toml only. It reads untrusted bytes: size, depth and key length
 * are bounded before toml++ sees the text, and no C++ exception or assertion is part of the normal course.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CTOML_H
#define NEXO_CTOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A manifest is a page of text; 256 KiB is far past any real one and keeps the worst parse at some milliseconds. */
#define CTOML_MAX_BYTES (256u * 1024u)
/* Brackets open at once, and dotted parts of one key. Together they bound the recursion of parser and destructor. */
#define CTOML_MAX_NESTING 32u
#define CTOML_MAX_KEY_PARTS 16u

/* What a node is. Dates and times arrive as text, since no manifest key takes one. */
enum {
  CTOML_TABLE = 0,
  CTOML_ARRAY = 1,
  CTOML_STRING = 2,
  CTOML_INTEGER = 3,
  CTOML_FLOAT = 4,
  CTOML_BOOLEAN = 5,
  CTOML_DATE = 6,
};

/* One value. Nodes stand in pre-order: a table's or array's `children` direct children, each with its own subtree, follow it.
 * key and text are UTF-8, not NUL-terminated, valid until ctoml_free. Lines and columns count from 1; columns count characters. */
typedef struct ctoml_node {
  const char *key; /* NULL for the root and for array elements */
  const char *text; /* strings and dates */
  size_t key_length;
  size_t text_length;
  int64_t integer; /* CTOML_INTEGER; CTOML_BOOLEAN: 0 or 1 */
  double number; /* CTOML_FLOAT */
  uint32_t kind;
  uint32_t children;
  uint32_t key_line, key_column;
  uint32_t line, column;
} ctoml_node;

typedef struct ctoml_document ctoml_document;

/* Parses `length` bytes; the bytes may be freed afterwards. Never NULL: a document that does not parse carries an error.
 * Safe from any thread. OWNERSHIP: the caller frees the result with ctoml_free. */
ctoml_document *ctoml_parse(const char *text, size_t length);
void ctoml_free(ctoml_document *document);

/* The nodes, the root table first; *count is 0 when the text does not parse. Borrowed until ctoml_free. */
const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count);

/* The first syntax error as a NUL-terminated sentence, or NULL. Borrowed until ctoml_free. */
const char *ctoml_error(const ctoml_document *document, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif

#endif
