// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any sequence of operations on topics, also from inside of walks: a naive model agrees with each. The first
// byte chooses limits, and how many names and peers there are.
#include "../support/naive_topic_table.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    sigfire::topic_limits limits;
    if (data[0] & 0x80)
        limits = {.total_topics = 4,
                  .topics_per_peer = 3,
                  .members_per_topic = 4,
                  .metadata_bytes = 30,
                  .entries_per_topic = 3,
                  .entries_per_peer = 2,
                  .value_bytes = 30};
    naive::driver d{limits, 1u + (data[0] & 7u), data[0] & 8 ? 40u : 5u, [](bool agree) {
                        if (!agree) std::abort();
                    }};
    d.run({data + 1, size - 1});
    return 0;
}
