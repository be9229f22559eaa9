// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "recording.hpp"
#include "wire_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

/// The replay of recorded conversations through codec and hub.
namespace transcripts {

using namespace sigfire;
using wire_bench::said;

inline std::string to_base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto at = [&](std::size_t k) {
            return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u;
        };
        const auto bits = at(0) << 16 | at(1) << 8 | at(2);
        for (std::size_t k = 0; k < 4; ++k)
            out += k > bytes.size() - i ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    return out;
}

/** Plays the clients' side to a `port`, and compares what the server does with what it did: the messages byte
 *  for byte, unless `same` knows better. */
template <class Port>
class player {
public:
    explicit player(Port& p) : server_(p) {}

    /// Before a connection opens: its name.
    std::function<void(const std::string&)> before_open = [](const std::string&) {};
    /// What a client says instead of the recorded bytes.
    std::function<std::string(const std::string&, std::string)> rewrite =
        [](const std::string&, std::string bytes) { return bytes; };
    /// Whether a client that was sent `got` was to be sent `expected`.
    std::function<bool(const std::string& name, const std::string& expected, const std::string& got)> same =
        [](const std::string&, const std::string& expected, const std::string& got) {
            return expected == got;
        };
    /// Answers plain HTTP requests.
    std::function<bool(const request&, response&)> http = [](const request&, response&) { return false; };
    /// Time passes until so many milliseconds from the beginning.
    std::function<void(std::int64_t)> wait = [](std::int64_t) {};

    void play(const transcript& t) {
        for (const auto& line : t.lines) {
            wait(line.at("t").to_number<std::int64_t>());
            server_.settle();
            BOOST_TEST_CONTEXT(t.name << ": " << js::serialize(line)) {
                if (field(line, "dir") == "s2c")
                    expect(line);
                else
                    step(line);
            }
            server_.settle();
        }
        for (auto& [name, c] : server_.connections)
            for (const auto& s : c.out)
                BOOST_ERROR(t.name << ": " << name << " was sent what nobody expected: " << s.bytes);
    }

private:
    void step(const js::object& line) {
        const auto name = field(line, "conn"), kind = field(line, "kind");
        if (kind == "http") {
            const std::string target{line.at("http").at("target").as_string()};
            BOOST_TEST(http({"GET", target, {}, {}}, answer_));
        } else if (kind == "open") {
            const auto& asked = line.at("http");
            std::deque<std::string> texts;
            const auto fields = fields_of(asked, texts);
            before_open(name);
            const std::string target{asked.at("target").as_string()};
            server_.open(name, {"GET", target, fields, "127.0.0.1"});
        } else if (kind == "text" || kind == "binary") {
            server_.say(name, rewrite(name, bytes_of(line)),
                        kind == "text" ? message_type::text : message_type::binary);
        } else if (kind == "close" || kind == "reset") {
            auto& c = server_.connections.at(name);
            if (kind == "close" && c.usable()) c.out.push_back({said::close, {}, 0});
            server_.close(name, kind == "close" ? errc::closed : errc::lost);
        } else {
            BOOST_TEST(kind == "fin");
            if (server_.connections.at(name).open) server_.close(name, errc::lost);
        }
    }

    void expect(const js::object& line) {
        const auto name = field(line, "conn"), kind = field(line, "kind");
        if (kind == "fin") { // of a connection that was not closed before: it broke
            if (server_.connections.at(name).open) server_.close(name, errc::lost);
            return;
        }
        if (kind == "http") {
            const auto& recorded = line.at("http");
            BOOST_TEST(answer_.status == recorded.at("status").as_int64());
            BOOST_TEST(answer_.body == recorded.at("body").as_string());
            BOOST_TEST(answer_.content_type == recorded.at("headers").at("content-type").as_string());
            return;
        }
        auto& out = server_.connections.at(name).out;
        BOOST_TEST_REQUIRE(!out.empty(), name << " was sent nothing");
        const auto got = std::move(out.front());
        out.pop_front();
        if (kind == "open") {
            const auto& told = line.at("http");
            BOOST_TEST((got.what == said::open));
            BOOST_TEST(got.code == told.at("status").as_int64());
            BOOST_TEST(got.bytes == field(told.at("headers").as_object(), "sec-websocket-protocol"));
        } else if (kind == "close") { // answered by the transport
            BOOST_TEST((got.what == said::close));
        } else {
            BOOST_TEST((got.what == (kind == "text" ? said::text : said::binary)));
            BOOST_TEST(same(name, bytes_of(line), got.bytes), name << " was sent " << got.bytes);
        }
    }

    Port& server_;
    response answer_;
};

} // namespace transcripts
