// Parses with toml++ and flattens its tree into ctoml_node, keeping every source position.
// Called through ctoml.h. toml++ is compiled header-only (Package.swift sets its defines), and no exception leaves this file.
// Fuzzing toml++ 3.3 found that its assertions can be reached by input: here a failed one is an error, not an abort().
//
// SPDX-License-Identifier: Apache-2.0
#include "ctoml.h"

#include <stdexcept>
#include <string_view>

namespace ctoml {

/// `[}x]` fails toml++'s assertion on a key's first character although the code after it reports just that, with its place.
/// Every other failed assertion means that going on is not safe.
inline void assertion_failed(std::string_view expression) {
  if (expression.substr(0, 22) == "is_bare_key_character(") return;
  throw std::logic_error("toml++ met input that it cannot parse");
}

}  // namespace ctoml

#undef NDEBUG  // with it toml++ turns its assertions into assumptions, which would be undefined behaviour here
#define TOML_ASSERT(expr) ((expr) ? (void)0 : ctoml::assertion_failed(#expr))
#define TOML_MAX_NESTED_VALUES 64
#define TOML_ENABLE_FORMATTERS 0
#include <deque>
#include <exception>
#include <sstream>
#include <string>
#include <toml++/toml.h>
#include <vector>

#include "bounds.h"

struct ctoml_document {
  std::vector<ctoml_node> nodes;
  std::deque<std::string> strings;  // a deque: growing it moves no string, so pointers into them stay good
  std::string error;
  uint32_t line = 0;
  uint32_t column = 0;
};

namespace {

/// Recursion is bounded by ctoml::check_bounds.
class flattener {
 public:
  explicit flattener(ctoml_document &document) : document_(document) {}

  void add(const toml::node &node, const toml::key *key) {
    ctoml_node out{};
    if (key) {
      const std::string &text = keep(std::string(key->str()));
      out.key = text.data();
      out.key_length = text.size();
      out.key_line = key->source().begin.line;
      out.key_column = key->source().begin.column;
    }
    out.line = node.source().begin.line;
    out.column = node.source().begin.column;
    const size_t at = document_.nodes.size();
    document_.nodes.push_back(out);
    fill(node, at);
  }

 private:
  const std::string &keep(std::string text) {
    document_.strings.push_back(std::move(text));
    return document_.strings.back();
  }

  void set_text(ctoml_node &out, uint32_t kind, std::string value) {
    const std::string &text = keep(std::move(value));
    out.kind = kind;
    out.text = text.data();
    out.text_length = text.size();
  }

  template <typename T>
  std::string spelled(const T &value) {
    std::ostringstream stream;
    stream << value;
    return stream.str();
  }

  void fill(const toml::node &node, size_t at) {
    if (const toml::table *table = node.as_table()) {
      document_.nodes[at].kind = CTOML_TABLE;
      document_.nodes[at].children = static_cast<uint32_t>(table->size());
      for (auto &&[key, value] : *table) add(value, &key);
    } else if (const toml::array *array = node.as_array()) {
      document_.nodes[at].kind = CTOML_ARRAY;
      document_.nodes[at].children = static_cast<uint32_t>(array->size());
      for (auto &&value : *array) add(value, nullptr);
    } else {
      scalar(node, document_.nodes[at]);
    }
  }

  void scalar(const toml::node &node, ctoml_node &out) {
    if (const auto *text = node.as_string()) {
      set_text(out, CTOML_STRING, text->get());
    } else if (const auto *integer = node.as_integer()) {
      out.kind = CTOML_INTEGER;
      out.integer = integer->get();
    } else if (const auto *number = node.as_floating_point()) {
      out.kind = CTOML_FLOAT;
      out.number = number->get();
    } else if (const auto *flag = node.as_boolean()) {
      out.kind = CTOML_BOOLEAN;
      out.integer = flag->get() ? 1 : 0;
    } else if (const auto *date = node.as_date()) {
      set_text(out, CTOML_DATE, spelled(date->get()));
    } else if (const auto *time = node.as_time()) {
      set_text(out, CTOML_DATE, spelled(time->get()));
    } else if (const auto *moment = node.as_date_time()) {
      set_text(out, CTOML_DATE, spelled(moment->get()));
    }
  }

  ctoml_document &document_;
};

}  // namespace

ctoml_document *ctoml_parse(const char *text, size_t length) {
  auto *document = new ctoml_document;
  const auto fail = [document](std::string message, uint32_t line, uint32_t column) {
    document->nodes.clear();
    document->error = std::move(message);
    document->line = line;
    document->column = column;
    return document;
  };
  const std::string_view view(text ? text : "", text ? length : 0);
  const ctoml::bound_error bound = ctoml::check_bounds(view);
  if (bound.message) return fail(bound.message, bound.line, bound.column);
  try {
    flattener(*document).add(toml::parse(view), nullptr);
    return document;
  } catch (const toml::parse_error &error) {
    return fail(std::string(error.description()), error.source().begin.line, error.source().begin.column);
  } catch (const std::exception &error) {
    return fail(error.what(), 1, 1);
  }
}

void ctoml_free(ctoml_document *document) { delete document; }

const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count) {
  *count = document->nodes.size();
  return document->nodes.data();
}

const char *ctoml_error(const ctoml_document *document, uint32_t *line, uint32_t *column) {
  *line = document->line;
  *column = document->column;
  return document->error.empty() ? nullptr : document->error.c_str();
}
