// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A codec of your own: `NUMBER TARGET TEXT` is a request, `NUMBER ok` or `NUMBER WHY` its reply, `< SENDER
// TEXT` what another peer said, `= ID` the welcome. A person can type it.

#include <sigfire/sigfire.hpp>

#include <cstring>
#include <iostream>

struct typed {
    struct state {};
    static constexpr bool checks_utf8 = false;

    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return sigfire::errc::ok; }

    template <class Emit>
    sigfire::errc decode(sigfire::message m, state&, Emit emit) {
        const auto text = m.view();
        const auto a = text.find(' '), b = text.find(' ', a + 1);
        if (a == text.npos || b == text.npos) return sigfire::errc::malformed;
        sigfire::envelope e;
        e.what = sigfire::verb::send;
        e.id = text.substr(0, a);
        e.to = text.substr(a + 1, b - a - 1);
        e.data.bytes = text.substr(b + 1);
        if (e.to.empty()) e.status = sigfire::errc::missing_target;
        emit(e);
        return sigfire::errc::ok;
    }

    std::string text_of(const sigfire::envelope& e) const {
        const auto s = [](std::string_view v) { return std::string{v}; };
        if (e.what == sigfire::verb::welcome) return "= " + s(e.to);
        if (e.what == sigfire::verb::send) return "< " + s(e.from) + ' ' + s(e.data.bytes);
        return s(e.id) + ' ' + (e.status == sigfire::errc::ok ? "ok" : s(to_string(e.status)));
    }
    std::size_t bound(const sigfire::envelope& e, const state&) const { return text_of(e).size(); }
    std::size_t encode(const sigfire::envelope& e, const state&, char* p) const {
        const auto text = text_of(e); // a codec for many peers writes straight to p
        std::memcpy(p, text.data(), text.size());
        return text.size();
    }
    sigfire::message_type type(const state&) const { return sigfire::message_type::text; }
    sigfire::ending end(sigfire::errc why, const state&) const { return {400, 4000, to_string(why)}; }
};
static_assert(sigfire::Codec<typed>);

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, typed{}};
    auto ann = net.connect(), bob = net.connect();
    std::string heard;
    ann.on_message([&](sigfire::message m) {
        std::cout << "ann: " << m.view() << '\n';
        if (m.view().starts_with("< ")) heard = m.view(), srv.stop();
    });
    bob.on_message([&](sigfire::message m) { std::cout << "bob: " << m.view() << '\n'; });
    srv.post([&](auto& hub) {
        std::string ann_id;
        hub.for_each([&](std::string_view id, sigfire::peer_handle) {
            if (ann_id.empty()) ann_id = id;
        });
        bob.send("1 " + ann_id + " good morning");
    });
    io.run();
    return !heard.ends_with("good morning");
}
