// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// The redaction of logs. Whatever stands before, a secret behind it on a line of its own does not show; and
// what is redacted once does not change by being redacted again but by more masks.
#include "../../examples/server/redact.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    constexpr std::string_view secret = "hidden-0123456789";
    if (text.find(secret) != text.npos) return 0;
    for (const std::string_view line :
         {"\n/?id=a&token=hidden-0123456789", "\nAuthorization: Bearer hidden-0123456789\r\n",
          "\n{\"credential\":\"hidden-0123456789\"}", "\nwss://u:hidden-0123456789@h/",
          "\nbearer hidden-0123456789"}) {
        const auto shown = redacted(std::string{text}.append(line));
        if (shown.find(secret) != shown.npos) std::abort();
    }
    // A mask stands for at least a byte, or for none.
    if (redacted(text).size() > 4 * text.size() + 3) std::abort();
    return 0;
}
