// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/log_writer.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(log_writer_thread)

struct log_pipe {
    log_pipe() { BOOST_REQUIRE(::pipe(ends) == 0); }
    ~log_pipe() {
        for (const int fd : ends)
            if (fd >= 0) ::close(fd);
    }
    log_pipe(const log_pipe&) = delete;
    log_pipe& operator=(const log_pipe&) = delete;

    void close(int i) { ::close(std::exchange(ends[i], -1)); }
    // Everything up to the end of the pipe, whose writing end must be closed.
    std::string rest() {
        std::string all;
        char some[4096];
        for (ssize_t n = 0; (n = ::read(ends[0], some, sizeof some)) > 0;)
            all.append(some, static_cast<std::size_t>(n));
        return all;
    }

    int ends[2];
};

void report(std::string& out, std::uint64_t lost) {
    out += "lost " + std::to_string(lost) + '\n';
}

BOOST_AUTO_TEST_CASE(stop_writes_what_waits) {
    log_pipe p;
    std::string expected;
    log_writer w{p.ends[1], 1 << 20, 10'000, report};
    for (int i = 0; i < 100; ++i) {
        const auto line = "line " + std::to_string(i) + '\n';
        BOOST_TEST(w.push(line));
        expected += line;
    }
    BOOST_TEST(w.stop(60s));
    BOOST_TEST(w.stop()); // again does no harm
    p.close(1);
    BOOST_TEST(p.rest() == expected);
}

BOOST_AUTO_TEST_CASE(the_destructor_stops) {
    log_pipe p;
    { log_writer{p.ends[1], 4096, 100, report}.push("x\n"); }
    p.close(1);
    BOOST_TEST(p.rest() == "x\n");
}

BOOST_AUTO_TEST_CASE(a_pipe_that_nobody_reads_holds_up_neither_push_nor_stop) {
    log_pipe p;
    const std::string line = std::string(99, 'x') + '\n';
    log_writer w{p.ends[1], 10'000, 1000, report};
    int lost = 0;
    for (int i = 0; i < 5000; ++i) lost += !w.push(line);
    BOOST_TEST(lost > 3000); // a pipe takes 64 KiB, the thread and the queue 10 kB each
    BOOST_TEST(!w.stop(0s));
    p.close(1);
    const auto shown = p.rest();
    // No line is broken, but the last one.
    std::size_t whole = 0;
    while (shown.substr(whole, 100) == line || shown.substr(whole).starts_with("lost ")) {
        whole = shown.find('\n', whole) + 1;
        if (whole == 0) break;
    }
    BOOST_TEST(shown.size() - whole < 100u);
}

BOOST_AUTO_TEST_CASE(lost_lines_are_told_where_they_are_missing) {
    log_pipe p;
    const std::string line = std::string(99, 'x') + '\n';
    log_writer w{p.ends[1], 1000, 1000, report};
    std::size_t kept = 0, lost = 0;
    while (lost < 10) w.push(line) ? ++kept : ++lost;
    std::string text;
    std::thread reader{[&] { text = p.rest(); }};
    BOOST_TEST(w.stop(60s));
    p.close(1);
    reader.join();
    std::size_t lines = 0, missed = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        if (text.compare(at, 5, "lost ") == 0)
            missed += std::stoul(text.substr(at + 5));
        else if (text.compare(at, line.size(), line) == 0)
            ++lines;
    }
    BOOST_TEST(lines == kept);
    BOOST_TEST(missed == lost);
}

BOOST_AUTO_TEST_CASE(without_a_reader_lines_vanish) {
    log_pipe p;
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    p.close(0);
    log_writer w{p.ends[1], 4096, 100, report};
    w.push("x\n");
    BOOST_TEST(w.stop(60s));
    std::signal(SIGPIPE, before);
}

BOOST_AUTO_TEST_CASE(a_chore_runs_once_more_before_the_end) {
    log_pipe p;
    int calls = 0;
    bool was_last = false;
    {
        log_writer w{p.ends[1], 4096, 100, report};
        w.remind([&](bool last) {
            ++calls;
            was_last = last;
            w.push("chore\n");
            return true;
        });
        w.remind([&](bool) { return calls += 100, false; }); // one at a time
        BOOST_TEST(w.stop(60s));
    }
    BOOST_TEST(calls == 1);
    BOOST_TEST(was_last);
    p.close(1);
    BOOST_TEST(p.rest() == "chore\n");
}

BOOST_AUTO_TEST_CASE(a_chore_runs_each_second_while_it_asks_for_it) {
    log_pipe p;
    std::atomic<int> calls = 0;
    log_writer w{p.ends[1], 4096, 100, report};
    const auto begin = std::chrono::steady_clock::now();
    w.remind([&](bool) {
        const int n = ++calls;
        calls.notify_one();
        return n < 2;
    });
    for (int n = 0; (n = calls) < 2;) calls.wait(n);
    BOOST_TEST((std::chrono::steady_clock::now() - begin >= 2s));
    BOOST_TEST(w.stop(60s));
    BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
