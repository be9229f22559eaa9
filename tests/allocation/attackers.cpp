// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// How many bytes many peers can make a server hold, of each kind: the option that bounds them decides.
#include "allocations.hpp"
#include "calm_memory.hpp"

#include <sigfire/admission/bearer.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;

constexpr std::size_t attackers = 50;
constexpr std::size_t many = 200; // what each of them does, more than any limit

// Small, so that the limits are soon reached.
constexpr std::size_t header = 4096, outbox = 64u << 10, incomplete = 1u << 20, unsent = 2u << 20,
                      open_requests = 40, topics_of_one = 40, watches = 40, deferred = 16u << 10,
                      kept_bytes = 32u << 10, kept_messages = 40, mailbox_bytes = 1u << 20,
                      mailbox_messages = 2000;

// Puts each `offer` off for ever.
struct waits {
    std::deque<deferral> tickets{};
    errc on_message(message_context& context, event::send& e) {
        if (e.command != "offer") return errc::ok;
        tickets.push_back(context.defer());
        return errc::deferred;
    }
};

struct peer : memory::basic_peer<framing::websocket<framing::role::client>> {
    using basic_peer::basic_peer;
    // Forgets what it was sent, and gives the memory back.
    void forget() {
        for (auto* s : {&at->to_peer, &at->to_server}) std::string{}.swap(*s);
    }
};

struct world {
    boost::asio::io_context io{};
    std::deque<peer> peers{}; // the attackers
    server<calm_memory::websocket, hooks<requested_id, waits>, topics, presence, requests, resume, mailbox<>,
           hub_options>
        srv;
    std::size_t before = 0; // bytes with all peers connected and idle

    world()
        : srv{calm_memory::websocket{io,
                                     {.limits = {.outbox = outbox,
                                                 .incomplete = incomplete,
                                                 .unsent = unsent,
                                                 .header = header,
                                                 .handshake_timeout = 1h,
                                                 .write_timeout = 0ms,
                                                 .message_timeout = 0ms,
                                                 .message_deadline = 0ms}}},
              hooks{requested_id{}, waits{}},
              topics{{.limits = {.topics_per_peer = topics_of_one}}},
              presence{{.watches_per_peer = watches}},
              requests{{.timeout = 1h, .per_peer = open_requests}},
              resume{{.window = 1h, .messages = kept_messages, .bytes = kept_bytes}},
              mailbox<>{
                  direct_router{}, 1h, {.total_messages = mailbox_messages, .total_bytes = mailbox_bytes}},
              hub_options{.deferral_timeout = 1h, .deferred_messages = 1000, .deferred_bytes = deferred}} {}

    peer& add() { return peers.emplace_back(io); }
    peer& connect(const std::string& id) {
        auto& p = add();
        p.write(memory::upgrade_request("Sec-WebSocket-Protocol: sigfire.v1.json\r\n", "/?id=" + id));
        calm_memory::run(io);
        p.forget();
        return p;
    }
    // The server reads all that was said, and the attackers read the replies.
    void run() {
        calm_memory::run(io);
        for (auto& p : peers) p.forget();
    }
    // `rest`: a request without its id.
    void say(peer& p, const std::string& rest) { p.say(R"({"id":1,)" + rest); }
    std::size_t grown() const { return allocations::the_book().bytes - before; }
    std::size_t peak() const { return allocations::the_book().peak - before; }
};

// Lets the attackers begin, counts, and lets them attack. How many bytes more there are.
template <class Begin, class Attack>
std::size_t attack(world& w, Begin begin, Attack each) {
    for (std::size_t i = 0; i < attackers; ++i) begin(i);
    w.run();
    auto& book = allocations::the_book();
    w.before = book.peak = book.bytes;
    each();
    w.run();
    return w.grown();
}

// Each attacker connects under its number.
auto connects(world& w) {
    return [&w](std::size_t i) { w.connect(std::to_string(i)); };
}

// Each attacker sends `many` times: `send(attacker, time)`.
template <class Send>
auto floods(world& w, Send send) {
    return [&w, send] {
        for (std::size_t n = 0; n < many; ++n) {
            for (std::size_t i = 0; i < attackers; ++i) send(i, n);
            w.run();
        }
    };
}

std::string numbered(std::string_view text, std::size_t i, std::size_t n) {
    std::string out = std::to_string(i) + "." + std::to_string(n) + ".";
    return out.append(text);
}

BOOST_AUTO_TEST_SUITE(attackers_)

// Each test states the bound by its option, with room for what is stored beside the bytes themselves.
void bounded(std::size_t grown, std::size_t bound) {
    BOOST_TEST_MESSAGE(grown << " of " << bound << " bytes");
    BOOST_TEST(grown <= bound);
    BOOST_TEST(grown >= bound / 8, "the attack stored " << grown << " bytes of " << bound);
}

BOOST_AUTO_TEST_CASE(unfinished_handshakes) {
    world w;
    const auto grown = attack(
        w, [&](std::size_t) { w.add(); },
        [&] {
            for (auto& p : w.peers) p.write("GET / HTTP/1.1\r\nX: " + std::string(header - 100, 'x'));
        });
    bounded(grown, attackers * 2 * header);
}

BOOST_AUTO_TEST_CASE(unfinished_messages) {
    world w;
    attack(w, connects(w), [&] {
        const auto begun = w.peers[0].sealed(std::string(200'000, 'x')).substr(0, 100'000);
        for (auto& p : w.peers) {
            p.write(begun);
            w.run();
        }
    });
    bounded(w.peak(), 2 * incomplete);
}

BOOST_AUTO_TEST_CASE(output_that_nobody_takes) {
    world w;
    auto& sender = w.connect("sender");
    attack(
        w, [&](std::size_t i) { w.connect("p" + std::to_string(i)); },
        [&] {
            for (auto& p : w.peers) p.at->room = &p == &sender ? memory::unlimited : 0;
            floods(w, [&](std::size_t i, std::size_t) {
                w.say(sender, R"("cmd":"bye","target":"p)" + std::to_string(i) + R"(","data":")" +
                                  std::string(1000, 'x') + R"("})");
            })();
        });
    // The room of an outbox doubles when it grows, and the sender's turn ends before the bytes are counted.
    bounded(w.peak(), 2 * (unsent + outbox + attackers * 1000));
}

BOOST_AUTO_TEST_CASE(open_requests_with_long_tokens) {
    world w;
    w.connect("silent");
    const auto grown =
        attack(w, connects(w), floods(w, [&](std::size_t i, std::size_t) {
                   for (const std::size_t size : {200u, 20'000u}) // the longer one is refused
                       w.peers[i + 1].say(R"({"cmd":"request","target":"silent","data":1,"id":")" +
                                          std::string(size, 'x') + R"("})");
               }));
    bounded(grown, attackers * open_requests * (longest_token + 256));
}

BOOST_AUTO_TEST_CASE(topics_with_metadata) {
    world w;
    const auto grown = attack(
        w, connects(w), floods(w, [&](std::size_t i, std::size_t n) {
            w.say(w.peers[i], R"("cmd":"join","topic":")" + numbered(std::string(200, 't'), i, n) +
                                  R"(","data":{"metadata":{"x":")" + std::string(900, 'm') + R"("}}})");
        }));
    bounded(grown, attackers * topics_of_one * (256 + 1024 + 512));
}

BOOST_AUTO_TEST_CASE(watches_of_topics) {
    world w;
    const auto grown = attack(w, connects(w), floods(w, [&](std::size_t i, std::size_t n) {
                                  w.say(w.peers[i], R"("cmd":"watch","topic":")" +
                                                        numbered(std::string(200, 't'), i, n) + R"("})");
                              }));
    bounded(grown, attackers * watches * (3 * 256 + 512));
}

BOOST_AUTO_TEST_CASE(messages_in_the_mailbox) {
    world w;
    const auto grown = attack(w, connects(w), floods(w, [&](std::size_t i, std::size_t n) {
                                  w.say(w.peers[i], R"("cmd":"bye","target":")" + numbered("absent", i, n) +
                                                        R"(","data":")" + std::string(1000, 'x') + R"("})");
                              }));
    bounded(grown, mailbox_bytes + mailbox_messages * 512);
}

BOOST_AUTO_TEST_CASE(messages_kept_for_peers_that_are_away) {
    world w;
    auto& sender = w.connect("sender");
    const auto grown = attack(
        w,
        [&](std::size_t i) {
            auto& p = w.connect("p" + std::to_string(i));
            w.say(p, R"("cmd":"resume"})");
            w.run();
            p.reset();
        },
        floods(w, [&](std::size_t i, std::size_t) {
            w.say(sender, R"("cmd":"bye","target":"p)" + std::to_string(i) + R"(","data":")" +
                              std::string(1000, 'x') + R"("})");
        }));
    bounded(grown, attackers * (kept_bytes + kept_messages * 512));
}

BOOST_AUTO_TEST_CASE(messages_that_wait_for_a_verdict) {
    world w;
    const auto grown = attack(w, connects(w), floods(w, [&](std::size_t i, std::size_t) {
                                  w.say(w.peers[i], R"("cmd":"offer","target":"0","data":{"offer":")" +
                                                        std::string(1000, 'x') + R"("}})");
                              }));
    bounded(grown, attackers * 2 * deferred);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
