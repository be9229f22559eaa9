// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// The whole path, from the bytes of several peers through engine, codec and hub to the bytes of others. The
// input is a script: each step is a byte for a peer and its act, and arguments. A peer that behaves is
// there all the time:
// - all that is sent to anyone is valid frames of valid messages, whole or cut off at the end;
// - the one that behaves gets exactly one reply to each of its requests, for all acts of the others.
#include "../support/fuzz_server.hpp"

#include <sigfire/server.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire;
using namespace std::chrono_literals;

namespace {

using fuzzing::require, fuzzing::script;
namespace js = boost::json;

struct peer : fuzzing::json_peer {
    using json_peer::json_peer;
    std::string id;

    // The messages that came; a peer's first message is its welcome.
    std::vector<js::object> messages() {
        auto out = objects();
        if (id.empty() && !out.empty()) {
            require(out.front().at("cmd") == "welcome");
            id = out.front().at("data").at("id").as_string();
        }
        return out;
    }
};

class story {
public:
    explicit story(std::string_view input) : in_{input} {
        good_.write(memory::upgrade_request());
        memory::run(io_);
        good_.messages();
        require(!good_.id.empty());
        for (int i = 0; i < 3; ++i) others_.emplace_back(io_);
        while (!in_.rest.empty()) {
            step();
            memory::run(io_);
            // the one that behaves answers pings, reads, and asks something at each step
            request();
        }
        // In the end everyone is gone, on either side.
        memory::advance(io_, 5s, 1s);
        check();
        fuzzing::stop(io_, srv_, others_, gone_);
    }

private:
    void step() {
        const auto b = in_.byte();
        auto& p = others_[b % others_.size()];
        switch (b / others_.size() % 10) {
        case 0: p.write(in_.bytes(in_.byte())); break;
        case 1: p.write(memory::upgrade_request()); break;
        case 2: p.say(in_.bytes(in_.byte())); break;
        case 3: say(p, in_.bytes(in_.byte())); break;
        case 4: p.shut(); break;
        case 5: p.reset(); break;
        case 6: p.at->room = in_.byte(); break;
        case 7: p.at->piece = 1 + in_.byte(); break;
        case 8: wait(std::chrono::milliseconds{in_.byte() * 300}); break;
        case 9: fuzzing::replace(p, gone_, peer{io_}); break;
        }
    }

    // A message with names in place of ids that cannot be guessed: $0..$2 for the others, $g for the good
    // one.
    void say(peer& p, std::string_view text) {
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '$' || i + 1 == text.size()) {
                out += text[i];
                continue;
            }
            const char who = text[++i];
            out += who == 'g' ? good_.id : others_[static_cast<unsigned char>(who) % others_.size()].id;
        }
        p.say(out);
    }

    void wait(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 10s) {
            memory::advance(io_, std::min<std::chrono::milliseconds>(time, 10s), 1s);
            good_.write(good_.sealed_control(control::pong));
            check();
        }
    }

    void request() {
        const auto token = "t" + std::to_string(++asked_);
        const auto& target = others_[asked_ % others_.size()].id;
        good_.say(R"({"cmd":"offer","target":")" + target + R"(","id":")" + token +
                  R"(","data":{"offer":{"sdp":"v=0"}}})");
        memory::run(io_);
        check();
        require(replies_ == asked_);
    }

    void check() {
        for (auto& m : good_.messages()) {
            if (m.contains("cmd")) continue; // from somebody
            require(m.at("id").as_string() == "t" + std::to_string(++replies_));
        }
        require(!good_.at->server_shut);
        for (auto& p : others_) p.messages();
    }

    script in_;
    boost::asio::io_context io_;
    memory::options options_{.limits = {.message = 4096, .outbox = 16'000, .incomplete = 10'000}};
    server<memory::websocket> srv_{memory::websocket{io_, options_}};
    peer good_{io_};
    std::deque<peer> others_, gone_;
    std::size_t asked_ = 0, replies_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    story{std::string_view{reinterpret_cast<const char*>(data), size}};
    return 0;
}
