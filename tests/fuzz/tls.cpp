// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// TLS between the sockets of a loop and WebSockets. The input is a script: each step is a byte for a client
// and its act, and arguments. Clients write bytes of their own, or do speak TLS and then have their bytes
// cut, damaged, repeated, or sent on the connection of another. One that behaves is there all the time:
// - nothing throws, and the memory that a connection makes the server use stays within bounds;
// - a client hears nothing but whole messages, deciphered, and goodbye only where the connection ends; that
//   of a client is answered by it;
// - the one that behaves gets exactly one reply to each of its requests, for all acts of the others.
#include "../support/fuzz_server.hpp"
#include "../support/tls_world.hpp"

#include <sigfire/net/tls.hpp>
#include <sigfire/server.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <malloc.h>

using namespace sigfire;
using namespace std::chrono_literals;

extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

using fuzzing::require, fuzzing::script, fuzzing::sent_json;
namespace js = boost::json;

// Of everybody, OpenSSL too.
std::size_t allocated() {
    if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
    const auto m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

detail::ssl_context_ptr client_of(int version) {
    auto c = tls_world::client_context();
    SSL_CTX_set_max_proto_version(c.get(), version);
    return c;
}

SSL_CTX* client(bool older) {
    static const auto now = client_of(TLS1_3_VERSION), before = client_of(TLS1_2_VERSION);
    return (older ? before : now).get();
}

using client_framing = framing::websocket<framing::role::client>;

struct peer : memory::basic_peer<client_framing> {
    peer(boost::asio::io_context& io, bool older) : basic_peer{io}, tls{client(older)} {}

    tls_world::layer tls;
    std::string saying;  // not enciphered yet
    std::string pending; // enciphered, but not on its way
    std::string heard;   // deciphered
    client_framing framing;
    bool upgraded = false;
    bool speechless = false; // said goodbye, or waits for an answer first
    bool goodbye = false;
    bool honest = true; // its words arrive as they were said, or do not yet

    // Enciphers messages, until nothing more can be.
    std::string& seal() {
        std::string nothing;
        tls.seal(speechless ? nothing : saying, pending);
        return pending;
    }
    void finish() {
        seal();
        if (std::exchange(speechless, true)) return;
        goodbye = tls.established();
        tls.finish();
        seal();
    }
    // Whether the server has heard goodbye, and can answer it.
    bool is_left() const {
        return goodbye && honest && pending.empty() && at->to_server.empty() && at->room == memory::unlimited;
    }
    void listen() {
        if (const auto bytes = read(); !bytes.empty()) heard += tls.open(bytes);
        // Goodbye is the last that is said.
        require(!tls.over() || tls.failed() || at->server_shut);
    }
    void exchange(boost::asio::io_context& io, int rounds = 1) {
        for (int i = 0; i < rounds; ++i) {
            write(std::exchange(seal(), {}));
            memory::run(io);
            listen();
        }
    }

    // Takes the bytes that came, checks them, and returns the messages.
    std::vector<js::object> messages() {
        listen();
        std::vector<js::object> out;
        if (!upgraded) {
            const auto end = heard.find("\r\n\r\n");
            if (end == std::string::npos) return out;
            require(heard.starts_with("HTTP/1.1 "));
            if (!heard.starts_with("HTTP/1.1 101 ")) return out;
            heard.erase(0, end + 4);
            upgraded = true;
        }
        test::framing_record record;
        const auto e = framing.feed(heard, {.message = 1u << 30, .idle_frames = 1u << 30}, record).error;
        require(e == errc::ok);
        heard.clear();
        for (const auto& event : record.events) {
            if (!event.starts_with("text:")) continue;
            if (const auto v = sent_json(std::string_view{event}.substr(5))) out.push_back(v->as_object());
        }
        return out;
    }

    std::size_t buffered() const {
        return saying.capacity() + pending.capacity() + heard.capacity() + at->to_server.capacity() +
               at->to_peer.capacity();
    }
};

using secured = transport::tls<memory::websocket>;

class story {
public:
    explicit story(std::string_view input) : in_{input} {
        good_.saying += memory::upgrade_request();
        good_.exchange(io_, 3);
        require(!good_.messages().empty());
        for (int i = 0; i < 4; ++i) others_.emplace_back(io_, i % 2 != 0);
        before_ = allocated();
        while (!in_.rest.empty()) {
            step();
            memory::run(io_);
            request();
        }
        // In the end everyone is gone, on either side.
        memory::advance(io_, 5s, 1s);
        check();
        fuzzing::stop(io_, srv_, others_, gone_);
        require(failed_ <= others_.size() + gone_.size());
    }

private:
    void step() {
        const auto b = in_.byte();
        auto& p = others_[b % others_.size()];
        switch (b / others_.size() % 16) {
        case 0:
            p.honest = false;
            p.write(in_.bytes(in_.byte()));
            break;
        case 1: p.saying += in_.bytes(in_.byte()); break;
        case 2: p.saying += memory::upgrade_request(); break;
        case 3: p.saying += p.sealed(in_.bytes(in_.byte())); break;
        case 4: p.exchange(io_, 3); break;
        case 5: deliver(p, p.seal(), in_.byte()); break;
        case 6: { // damaged
            p.honest = false;
            auto& bytes = p.seal();
            const auto at = in_.byte(), how = in_.byte();
            if (!bytes.empty()) bytes[at % bytes.size()] ^= static_cast<char>(how);
            deliver(p, bytes, bytes.size());
            break;
        }
        case 7: { // what somebody else has to say
            auto& other = others_[in_.byte() % others_.size()];
            p.honest = other.honest = false;
            auto& bytes = other.seal();
            deliver(p, bytes, in_.byte());
            break;
        }
        case 8: // and it is said again
            p.honest = false;
            p.write(p.seal());
            break;
        case 9: p.finish(); break;
        case 10: in_.byte() % 2 != 0 ? p.reset() : p.shut(); break;
        case 11: p.at->room = in_.byte(); break;
        case 12: p.at->piece = 1 + in_.byte(); break;
        case 13: wait(std::chrono::milliseconds{in_.byte() * 300}); break;
        case 14: fuzzing::replace(p, gone_, peer{io_, in_.byte() % 2 != 0}); break;
        case 15: make_trouble(p, in_.byte()); break;
        }
    }

    static void deliver(peer& to, std::string& bytes, std::size_t n) {
        n = std::min(n, bytes.size());
        to.write(std::string_view{bytes}.substr(0, n));
        bytes.erase(0, n);
    }

    // Trouble that only a client with TLS can make.
    void make_trouble(peer& p, unsigned how) {
        const auto ssl = p.tls.ssl();
        if (how == 0) return transport_.reload();
        if (!p.tls.established() || p.speechless) return;
        if (SSL_version(ssl) == TLS1_2_VERSION) {
            p.seal();
            p.speechless = true;
            SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
            SSL_renegotiate(ssl);
            SSL_do_handshake(ssl);
        } else {
            // Each on its own: they ask for an answer each.
            for (; how != 0 && updates_ < 5000; --how, ++updates_) {
                SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
                SSL_do_handshake(ssl);
            }
        }
        ERR_clear_error();
    }

    void wait(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 10s) {
            memory::advance(io_, std::min<std::chrono::milliseconds>(time, 10s), 1s);
            good_.saying += good_.sealed_control(control::pong);
            good_.exchange(io_);
            check();
        }
    }

    void request() {
        good_.saying += good_.sealed(R"({"cmd":"offer","target":"nobody","id":"t)" +
                                     std::to_string(++asked_) + R"(","data":{"offer":1}})");
        good_.exchange(io_);
        check();
        require(replies_ == asked_);
    }

    void check() {
        for (auto& m : good_.messages()) {
            if (m.contains("cmd")) continue;
            require(m.at("id").as_string() == "t" + std::to_string(++replies_));
        }
        require(!good_.at->server_shut);
        // A connection has an outbox, a message that is not whole yet, bytes that the system did not take,
        // and OpenSSL's objects on both sides.
        std::size_t bound = 4u << 20;
        for (auto* const list : {&others_, &gone_})
            for (auto& p : *list) {
                p.messages();
                require(!p.is_left() || p.at->server_closed);
                bound += p.buffered() + (p.at->server_closed ? 100'000 : 800'000);
            }
        require(allocated() < before_ + bound);
    }

    script in_;
    boost::asio::io_context io_;
    secured transport_{
        memory::websocket{io_, {.limits = {.message = 4096, .outbox = 16'000, .incomplete = 10'000}}},
        {.certificates = {tls_world::localhost().served()}, .on_failure = [this](auto, std::string_view why) {
             require(!why.empty());
             ++failed_;
         }}};
    server<secured> srv_{transport_};
    peer good_{io_, false};
    std::deque<peer> others_, gone_;
    std::size_t asked_ = 0, replies_ = 0, failed_ = 0, updates_ = 0, before_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 1024) return 0;
    story{std::string_view{reinterpret_cast<const char*>(data), size}};
    return 0;
}
