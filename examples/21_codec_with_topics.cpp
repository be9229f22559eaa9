// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A codec of your own with topics: a chat by lines, with `join ROOM`, `who ROOM` and `say ROOM WORDS`.

#include <sigfire/sigfire.hpp>

#include <iostream>

namespace event = sigfire::event;

struct chat {
    struct state {};
    static constexpr bool checks_utf8 = false;
    static constexpr sigfire::wire_id words{0x0080}; // the format of the payloads: one of our own
    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return {}; }

    template <class Handler>
    sigfire::errc decode(sigfire::message m, state&, Handler handler) {
        const auto line = m.view();
        const auto a = line.find(' '), b = std::min(line.find(' ', a + 1), line.size());
        const auto say = [&](auto e) {
            e.token = {line.substr(0, a), words}; // the reply begins with it
            e.topic = line.substr(a + 1, b - a - 1);
            if constexpr (requires { e.data; }) e.data = {line.substr(b), words};
            handler(e);
        };
        if (line.starts_with("join ")) say(event::join{});
        if (line.starts_with("who ")) say(event::lookup{});
        if (line.starts_with("say ")) say(event::publish{});
        return sigfire::errc::ok;
    }

    using text = std::string; // one overload of `of` for each event that this codec can encode
    static text of(const event::welcome& e) { return "you are " + text{e.peer}; }
    static text of(const event::reply& e) { return text{e.token.bytes} + ": " + text{to_string(e.cause)}; }
    static text of(const event::joined& e) { return "you are in " + text{e.topic}; }
    static text of(const event::member_list& e) { return std::to_string(e.count) + " are here"; }
    static text of(const event::send& e) { return text{e.from} + ':' + text{e.data.bytes}; }
    static text of(const event::publish& e) { return text{e.topic} + ':' + text{e.data.bytes}; }
    auto bound(const auto& e, const state&) const -> decltype(of(e).size()) { return of(e).size(); }
    std::size_t encode(const auto& e, const state&, char* p) const { return of(e).copy(p, text::npos); }
    auto type(const auto&, const state&) const { return sigfire::message_type::text; }
    int share_key(const state&) const { return 0; } // all peers get the same text
    sigfire::ending end(sigfire::errc why, const state&) const { return {400, 4000, to_string(why)}; }
};

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, chat{}, sigfire::topics{}};
    auto ann = net.connect(), bob = net.connect();
    for (auto* peer : {&ann, &bob}) peer->send("join tea"), peer->send("who tea");
    bob.on_message([&](sigfire::message m) {
        std::cout << "bob: " << m.view() << '\n';
        if (m.view() == "2 are here") ann.send("say tea hello");
        if (m.view() == "tea: hello") srv.stop(); // otherwise the program never ends
    });
    io.run();
}
