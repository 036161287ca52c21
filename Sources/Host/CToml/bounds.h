// The scan that refuses TOML text whose nesting could exhaust a stack, before toml++ parses it.
// Called by ctoml.cpp. It knows strings and comments well enough to count brackets and dots outside them, and nothing else:
// where the text is malformed it stops early, since toml++ stops there too.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NEXO_CTOML_BOUNDS_H
#define NEXO_CTOML_BOUNDS_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ctoml {

/// Where a bound was passed; `message` is null when none was.
struct bound_error {
  const char *message = nullptr;
  uint32_t line = 0;
  uint32_t column = 0;
};

/// toml++ 3.3 bounds nested values but neither dotted keys (`a.a.a...` makes one table per part) nor the bytes in total.
bound_error check_bounds(std::string_view text);

}  // namespace ctoml

#endif
