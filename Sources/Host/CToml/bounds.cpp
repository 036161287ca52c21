// Counts open brackets and dotted key parts outside strings and comments; see bounds.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "bounds.h"

#include "ctoml.h"

namespace ctoml {
namespace {

/// Walks the text once; every member is the state at `at`.
class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  bound_error run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        if (!skip_string(c)) return {};
      } else {
        if (const char *problem = count(c)) return {problem, line_, column_};
        step();
      }
    }
    return {};
  }

 private:
  void step() {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte == '\n') {
      line_++;
      column_ = 1;
    } else if ((byte & 0xC0) != 0x80) {  // a UTF-8 continuation byte is no character of its own
      column_++;
    }
    at_++;
  }

  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') step();
  }

  /// False where a one-line string meets a line's end, or the text ends inside a string: a syntax error for toml++ to name.
  bool skip_string(char quote) {
    const bool block = text_.substr(at_).substr(0, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''");
    const size_t marks = block ? 3 : 1;
    for (size_t i = 0; i < marks; i++) step();
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        step();
        if (at_ < text_.size()) step();
        continue;
      }
      if (c == '\n' && !block) return false;
      if (c == quote && !block) return step(), true;
      if (c == quote && text_.substr(at_).substr(0, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''")) {
        // Up to two quotes may stand directly before the closing three: the last three of the run close.
        size_t run = 0;
        while (run < 5 && at_ < text_.size() && text_[at_] == quote) {
          step();
          run++;
        }
        return true;
      }
      step();
    }
    return false;
  }

  const char *count(char c) {
    switch (c) {
      case '[':
      case '{':
        parts_ = 1;
        if (++open_ > CTOML_MAX_NESTING) return "nested too deep: at most 32 brackets may be open at once";
        break;
      case ']':
      case '}':
        parts_ = 1;
        if (open_ > 0) open_--;
        break;
      case '.':
        if (++parts_ > CTOML_MAX_KEY_PARTS) return "key too deep: at most 16 dotted parts";
        break;
      case '=':
      case ',':
      case '\n':
        parts_ = 1;
        break;
      default:
        break;
    }
    return nullptr;
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  uint32_t column_ = 1;
  uint32_t open_ = 0;
  uint32_t parts_ = 1;
};

}  // namespace

bound_error check_bounds(std::string_view text) {
  if (text.size() > CTOML_MAX_BYTES) return {"larger than 256 KiB", 1, 1};
  return scanner(text).run();
}

}  // namespace ctoml
