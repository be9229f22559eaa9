// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A codec of your own, for people at a keyboard. A peer sends a request as `NUMBER TARGET TEXT`. The server
// sends:
// - `= ID`: the welcome
// - `NUMBER ok` or `NUMBER CAUSE`: the reply to a request
// - `< SENDER TEXT`: a message of another peer

#include <sigfire/sigfire.hpp>

#include <iostream>

struct typed {
    struct state {};
    static constexpr sigfire::wire_id wire{0x0080}; // its payloads are plain text
    static constexpr bool checks_utf8 = false;
    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return {}; }

    template <class Handler>
    sigfire::errc decode(sigfire::message m, state&, Handler handler) {
        const auto text = m.view();
        const auto a = text.find(' '), b = text.find(' ', a + 1);
        if (a == text.npos || b == text.npos) return sigfire::errc::malformed;
        sigfire::event::send e;
        e.token.bytes = text.substr(0, a);
        e.to = text.substr(a + 1, b - a - 1);
        e.data.bytes = text.substr(b + 1);
        e.token.wire = e.data.wire = wire;
        if (e.to.empty()) e.fault = sigfire::errc::missing_target;
        handler(e);
        return sigfire::errc::ok;
    }

    // One overload for each event that this codec can encode. The hub does not send other events to its
    // peers.
    static std::string text(const sigfire::event::welcome& e) { return "= " + std::string{e.peer}; }
    static std::string text(const sigfire::event::reply& e) {
        const bool ok = e.cause == sigfire::errc::ok;
        return std::string{e.token.bytes} + ' ' + std::string{ok ? "ok" : to_string(e.cause)};
    }
    static std::string text(const sigfire::event::send& e) {
        if (e.data.wire != wire) return {}; // another codec wrote it, in another format
        return "< " + std::string{e.from} + ' ' + std::string{e.data.bytes};
    }
    template <class E>
    auto bound(const E& e, const state&) const -> decltype(text(e).size()) {
        return text(e).size();
    }
    template <class E>
    auto encode(const E& e, const state&, char* p) const -> decltype(text(e).size()) {
        return text(e).copy(p, text(e).size()); // a codec for many peers writes directly to p
    }
    sigfire::message_type type(const auto&, const state&) const { return sigfire::message_type::text; }
    int share_key(const state&) const { return 0; } // all peers get the same text
    sigfire::ending end(sigfire::errc why, const state&) const { return {400, 4000, to_string(why)}; }
};

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, typed{}};
    auto ann = net.connect(), bob = net.connect();
    bool arrived = false;
    bob.on_message([&](sigfire::message m) { std::cout << "bob: " << m.view() << '\n'; });
    ann.on_message([&](sigfire::message m) {
        std::cout << "ann: " << m.view() << '\n';
        if (m.view().starts_with('=')) bob.send("1 " + std::string{m.view().substr(2)} + " good morning");
        if (m.view().ends_with("good morning")) arrived = true, srv.stop();
    });
    io.run();
    return !arrived;
}
