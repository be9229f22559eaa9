// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The program `sigfire`: one hub behind any number of listeners, and a page to try it with.

#include "json_log.hpp"
#include "page.hpp"
#include "settings.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/hub.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/mailbox.hpp>
#include <sigfire/presence.hpp>
#include <sigfire/records.hpp>
#include <sigfire/registry.hpp>
#include <sigfire/requests.hpp>
#include <sigfire/resume.hpp>
#include <sigfire/router.hpp>
#include <sigfire/sessions.hpp>
#include <sigfire/topics.hpp>
#include <sigfire/transport/tcp.hpp>
#include <sigfire/transport/unix_socket.hpp>
#include <sigfire/transport/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

namespace {

using features = sigfire::features<sigfire::topics, sigfire::presence, sigfire::requests, sigfire::sessions,
                                   sigfire::records<>, sigfire::resume>;
using hub = sigfire::hub<sigfire::local_registry, sigfire::mailbox<>, sigfire::any_outlet, json_log,
                         sigfire::no_hooks, features>;

// The page and its parts, for whoever prefers HTML.
bool serve_page(const sigfire::request& request, sigfire::response& response) {
    if (request.method != "GET" && request.method != "HEAD") return false;
    std::string_view name = request.path().substr(1);
    if (name.empty()) {
        if (request["Accept"].find("text/html") == std::string_view::npos) return false;
        name = "index.html";
    }
    for (const auto& file : page_files) {
        if (file.name != name) continue;
        response.content_type = name.ends_with(".js")    ? "text/javascript; charset=utf-8"
                                : name.ends_with(".css") ? "text/css; charset=utf-8"
                                                         : "text/html; charset=utf-8";
        response.body = file.content;
        response.headers = {{"Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; "
                                                        "img-src 'self' data:; frame-ancestors 'none'"},
                            {"X-Content-Type-Options", "nosniff"},
                            {"Referrer-Policy", "no-referrer"},
                            {"Cache-Control", "no-cache"}};
        return true;
    }
    return false;
}

// A listener of any transport.
struct door {
    virtual ~door() = default;
    virtual void open(sigfire::error_code&) = 0;
    virtual std::string address() const = 0;
    virtual void stop(std::function<void()>) = 0;
};

template <class Transport>
struct door_of final : door {
    using handler = bool (*)(const sigfire::request&, sigfire::response&);

    door_of(Transport transport, const settings& s, hub& h)
        : listener{std::move(transport), sigfire::codec::json{{.rtc_configuration = s.rtc_configuration}}, h,
                   serve_page} {}
    void open(sigfire::error_code& ec) override { listener.open(ec); }
    std::string address() const override { return listener.address(); }
    void stop(std::function<void()> done) override {
        listener.stop(std::chrono::seconds{5}, std::move(done));
    }

    sigfire::listener<Transport, sigfire::codec::json, hub, handler> listener;
};

std::unique_ptr<door> make_door(boost::asio::io_context& io, const endpoint& e, const settings& s, hub& h) {
    const auto in_front = [&](auto transport) -> std::unique_ptr<door> {
        return std::make_unique<door_of<decltype(transport)>>(std::move(transport), s, h);
    };
    switch (e.kind) {
    case wire::websocket:
        return in_front(sigfire::websocket{io, {.address = e.host, .port = e.port, .origins = s.origins}});
    case wire::tcp: return in_front(sigfire::tcp{io, {.address = e.host, .port = e.port}});
    case wire::unix_socket: break;
    }
    return in_front(sigfire::unix_socket{io, {.path = e.host}});
}

// Each peer is a descriptor; the soft limit is often 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const settings& s) {
    raise_descriptor_limit();
    boost::asio::io_context io{1};
    hub peers{{},
              {},
              sigfire::mailbox{sigfire::direct_router{}, s.mailbox},
              json_log{s.level},
              {},
              features{sigfire::topics{{.limits = s.topics}}, sigfire::presence{}, sigfire::requests{},
                       sigfire::sessions{{.enabled = s.sessions}}, sigfire::records<>{},
                       sigfire::resume{{.window = s.resume_window}}}};
    std::vector<std::unique_ptr<door>> doors;
    for (const auto& e : s.endpoints) {
        doors.push_back(make_door(io, e, s, peers));
        sigfire::error_code ec;
        doors.back()->open(ec);
        if (ec) {
            std::cerr << "sigfire: cannot listen on " << doors.back()->address() << ": " << ec.message()
                      << '\n';
            return 1;
        }
    }
    boost::asio::signal_set signals{io, SIGINT, SIGTERM};
    auto open = doors.size();
    // The first signal drains, the second one ends at once.
    std::function<void(sigfire::error_code, int)> on_signal = [&](sigfire::error_code ec, int) {
        if (ec) return;
        peers.stop(sigfire::errc::stopping);
        for (const auto& d : doors)
            d->stop([&] {
                if (--open == 0) signals.cancel();
            });
        signals.async_wait(on_signal);
    };
    signals.async_wait(on_signal);
    // Only now: whoever reads this may send a signal at once.
    for (const auto& d : doors) std::cout << "listening on " << d->address() << '\n';
    std::cout.flush();
    io.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    settings s;
    if (const auto exit_code = read_settings(argc, argv, s)) return *exit_code;
    return serve(s);
}
