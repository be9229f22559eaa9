// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The cost of a million memberships: memory and time, joined and left in random order. Prints a Markdown
// table.
#include <sigfire/feature/topic_table.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <malloc.h>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

std::size_t allocated() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

// Nanoseconds for one of `n`, and microseconds for the slowest of them.
struct cost {
    double mean, worst;
};

template <class F>
cost measure(std::size_t n, F f) {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    auto last = begin;
    auto worst = clock::duration{};
    for (std::size_t i = 0; i < n; ++i) {
        f(i);
        const auto now = clock::now();
        worst = std::max(worst, now - std::exchange(last, now));
    }
    const std::chrono::duration<double, std::nano> all = last - begin;
    return {all.count() / static_cast<double>(n), std::chrono::duration<double, std::micro>{worst}.count()};
}

// `peers` peers; the members of a topic are neighbours, each peer is in as many topics.
void run(std::uint32_t topics, std::uint32_t members, std::uint32_t peers, std::size_t metadata) {
    std::vector<std::string> names;
    for (std::uint32_t t = 0; t < topics; ++t) names.push_back("topic-" + std::to_string(t));
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t t = 0; t < topics; ++t)
        for (std::uint32_t m = 0; m < members; ++m)
            pairs.emplace_back(t, static_cast<std::uint32_t>((std::uint64_t{t} * members + m) % peers));
    std::mt19937 random{1};
    std::shuffle(pairs.begin(), pairs.end(), random);
    const std::string text(metadata, 'm');

    const auto before = allocated();
    sigfire::topic_table all{
        {.total_topics = unlimited, .topics_per_peer = unlimited, .members_per_topic = unlimited}};
    const auto join = measure(pairs.size(), [&](std::size_t i) {
        if (all.join(names[pairs[i].first], {pairs[i].second, 1}, sigfire::payload{text}).has_error())
            std::abort();
    });
    const auto bytes = allocated() - before;

    std::size_t visited = 0;
    std::uint64_t sum = 0;
    const auto visit = measure(topics, [&](std::size_t t) {
        all.for_each(names[t], [&](sigfire::peer_handle p) {
            ++visited;
            sum += p.slot;
        });
    });
    std::uint64_t expected = 0;
    for (const auto& [t, p] : pairs) expected += p;
    if (visited != pairs.size() || sum != expected) std::abort();

    std::shuffle(pairs.begin(), pairs.end(), random);
    const auto leave = measure(pairs.size(), [&](std::size_t i) {
        if (all.leave(names[pairs[i].first], {pairs[i].second, 1}) != sigfire::errc::ok) std::abort();
    });
    if (all.size() != 0) std::abort();

    const auto n = static_cast<double>(pairs.size());
    std::printf("| %u x %u | %u | %zu | %.1f | %.0f | %.1f | %.0f | %.1f | %.2f |\n", topics, members, peers,
                metadata, static_cast<double>(bytes) / n, join.mean, join.worst / 1000, leave.mean,
                leave.worst / 1000, visit.mean * topics / n);
}

} // namespace

int main() {
    std::puts("| topics x members | peers | bytes of metadata | bytes a membership | ns a join | slowest "
              "join, ms | "
              "ns a leave | slowest leave, ms | ns a member visited |");
    std::puts("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    run(1'000, 1'000, 1'000, 0);
    run(1'000, 1'000, 100'000, 0);
    run(100'000, 10, 10'000, 0);
    run(100'000, 10, 1'000'000, 0);
    run(1, 1'000'000, 1'000'000, 0);
    run(1'000, 1'000, 100'000, 30);
}
