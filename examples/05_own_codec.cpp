// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A codec of your own, for people who type: `NUMBER TARGET TEXT` is a request, `NUMBER ok` or `NUMBER WHY`
// its reply, `< SENDER TEXT` what another peer said, `= ID` the welcome.

#include <sigfire/sigfire.hpp>

#include <iostream>

struct typed {
    struct state {};
    static constexpr bool checks_utf8 = false;
    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return {}; }

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

    static std::string text(const sigfire::envelope& e) {
        const auto s = [](std::string_view v) { return std::string{v}; };
        if (e.what == sigfire::verb::welcome) return "= " + s(e.to);
        if (e.what == sigfire::verb::send) return "< " + s(e.from) + ' ' + s(e.data.bytes);
        if (e.what != sigfire::verb::reply) return {}; // no word for it: it is not sent
        return s(e.id) + ' ' + (e.status == sigfire::errc::ok ? "ok" : s(to_string(e.status)));
    }
    std::size_t bound(const sigfire::envelope& e, const state&) const { return text(e).size(); }
    std::size_t encode(const sigfire::envelope& e, const state&, char* p) const {
        return text(e).copy(p, bound(e, {})); // a codec for many peers writes straight to p
    }
    sigfire::message_type type(const sigfire::envelope&, const state&) const {
        return sigfire::message_type::text;
    }
    int share_key(const sigfire::envelope&, const state&) const { return 0; } // one text for all
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
