// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A policy of your own: rooms by invitation. A hook notes the invitation in the URL of each connection. The
// hub asks the policy about each action of a peer on a room or another peer. The policy reads the note.

#include <sigfire/sigfire.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

#include <iostream>

namespace asio = boost::asio;

struct invitation {
    std::string room;
};

struct note_invitation {
    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission& wish) {
        wish.attached.put(invitation{asked.query("invited-to")}); // a real hook checks a signature here
        return sigfire::errc::ok;
    }
};

struct by_invitation {
    template <class Here>
    sigfire::errc permit(const sigfire::act& a, const Here& here) const {
        if (a.topic.empty() || here.is_member(a.topic, a.from)) return sigfire::errc::ok;
        const auto* const noted = here.notes_of(a.from); // not null: each peer passed the hook
        if (a.what == sigfire::action::join && noted->template find<invitation>()->room == a.topic)
            return sigfire::errc::ok;
        return sigfire::errc::unknown; // hides that the room exists
    }
};
static_assert(sigfire::Policy<by_invitation>);

asio::awaitable<bool> visit(std::string address) {
    sigfire::client ann{co_await asio::this_coro::executor}, eve{co_await asio::this_coro::executor};
    co_await ann.connect(address + "/?invited-to=tea", asio::use_awaitable);
    co_await eve.connect(address, asio::use_awaitable);
    std::cout << "ann: " << co_await ann.join("tea", asio::use_awaitable) << '\n';
    const auto [cause, none] = co_await eve.join("tea", asio::as_tuple(asio::use_awaitable));
    std::cout << "eve: " << cause.message() << '\n';
    co_return cause == sigfire::errc::unknown;
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}, sigfire::topics{}, sigfire::hooks{note_invitation{}},
                        by_invitation{}};
    bool good = false;
    asio::co_spawn(io, visit(srv.address()), [&](std::exception_ptr failed, bool refused) {
        good = !failed && refused;
        srv.stop();
    });
    io.run();
    return !good;
}
