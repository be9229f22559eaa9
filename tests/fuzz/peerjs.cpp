// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// A PeerJS server as a whole: from the bytes of five clients through engine, codec and hub to the bytes of
// others. The input is a script: each step is a byte for a client and its act, and arguments. A client
// that behaves is there all the time:
// - all that is sent to anyone is valid frames of messages that these clients know, whole or cut off at the
//   end, and the first of them tells whether it was let in;
// - the one that behaves keeps its id and hears its messages to itself, once and in order.
#include "../support/fuzz_server.hpp"

#include <sigfire/core/detail/random.hpp>
#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
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
    bool judged = false;

    // The messages that came, checked.
    std::vector<js::object> messages() {
        auto out = objects();
        for (const auto& m : out) {
            const std::string_view type = m.at("type").as_string();
            const bool verdict = type == "OPEN" || type == "ERROR" || type == "ID-TAKEN";
            require(verdict != judged);
            judged = true;
            if (type == "ERROR" || type == "ID-TAKEN")
                require(m.at("payload").at("msg").is_string());
            else if (type != "OPEN")
                require((type == "OFFER" || type == "ANSWER" || type == "CANDIDATE" || type == "LEAVE" ||
                         type == "EXPIRE") &&
                        m.at("src").is_string() && m.at("dst").is_string());
        }
        return out;
    }
};

class story {
public:
    explicit story(std::string_view input) : in_{input} {
        // Nobody can guess the token, be it by watching the comparisons.
        const auto token = detail::id_source{}.draw();
        good_.write(memory::upgrade_request({}, target("good", detail::view(token))));
        memory::run(io_);
        require(good_.messages().size() == 1 && good_.judged);
        for (int i = 0; i < 4; ++i) others_.emplace_back(io_);
        while (!in_.rest.empty()) {
            step();
            memory::run(io_);
            say_to_itself();
        }
        // In the end everyone is gone, on either side.
        wait(7s);
        fuzzing::stop(io_, srv_, others_, gone_);
    }

private:
    static std::string target(std::string_view id, std::string_view token) {
        return "/peerjs?key=peerjs&id=" + std::string{id} + "&token=" + std::string{token};
    }

    void step() {
        const auto b = in_.byte();
        auto& p = others_[b % others_.size()];
        switch (b / others_.size() % 11) {
        case 0: p.write(in_.bytes(in_.byte())); break;
        case 1: { // few ids and tokens, so that they meet
            const auto who = in_.byte();
            const auto id = who % 8 == 7 ? std::string{"good"} : "p" + std::to_string(who % 4);
            p.write(memory::upgrade_request({}, target(id, std::to_string(who / 8 % 2))));
            break;
        }
        case 2: p.write(memory::upgrade_request({}, in_.bytes(in_.byte()))); break;
        case 3: p.say(in_.bytes(in_.byte())); break;
        case 4: p.write(p.sealed(in_.bytes(in_.byte()), message_type::binary)); break;
        case 5: p.shut(); break;
        case 6: p.reset(); break;
        case 7: p.at->room = in_.byte(); break;
        case 8: wait(std::chrono::milliseconds{in_.byte() * 300}); break;
        case 9: fuzzing::replace(p, gone_, peer{io_}); break;
        case 10:
            p.write("GET /" + std::string{in_.bytes(in_.byte())} + " HTTP/1.1\r\nHost: example.org\r\n\r\n");
            break;
        }
    }

    void wait(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 1s) {
            memory::advance(io_, std::min<std::chrono::milliseconds>(time, 1s), 500ms);
            good_.write(good_.sealed_control(control::pong));
            good_.say(R"({"type":"HEARTBEAT"})");
            memory::run(io_);
            check();
        }
    }

    void say_to_itself() {
        good_.write(good_.sealed_control(control::pong));
        good_.say(R"({"type":"OFFER","dst":"good","payload":)" + std::to_string(++said_) + "}");
        good_.say(R"({"type":"CANDIDATE","dst":"p)" + std::to_string(said_ % 4) + R"("})");
        memory::run(io_);
        check();
        require(heard_ == said_);
    }

    void check() {
        for (auto& m : good_.messages()) {
            const auto* const src = m.if_contains("src");
            if (src == nullptr || *src != "good") continue;
            require(m.at("payload").to_number<std::size_t>() == ++heard_);
        }
        require(!good_.at->server_shut);
        for (auto& p : others_) p.messages();
    }

    script in_;
    boost::asio::io_context io_;
    memory::options options_{.limits = {.message = 4096, .outbox = 16'000, .incomplete = 10'000}};
    dialect::peerjs_options dialect_{.alive_timeout = 20s, .concurrent_limit = 3, .allow_discovery = true};
    mailbox_limits bounds_{.messages_per_id = 5, .expiry_interval = 1s};
    server<memory::websocket, dialect::peerjs, mailbox<>, identity, heartbeat> srv_{
        memory::websocket{io_, options_}, dialect::peerjs{dialect_}, mailbox<>{direct_router{}, 5s, bounds_},
        identity{}, heartbeat{}};
    peer good_{io_};
    std::deque<peer> others_, gone_;
    std::size_t said_ = 0, heard_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    story{std::string_view{reinterpret_cast<const char*>(data), size}};
    return 0;
}
