// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A chat page that uses PeerJS, together with the server that PeerJS needs:
//
//     npm install peerjs
//     example_18_peerjs_page 9000 node_modules/peerjs/dist/peerjs.min.js
//
// Open http://127.0.0.1:9000/ in two tabs, and enter the id of one tab in the other. Without arguments, the
// program requests the page and an id from itself, and exits.

#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>

namespace asio = boost::asio;

constexpr auto html = R"(<!doctype html><meta charset="utf-8"><title>Chat</title>
<p>I am <b id="me">nobody yet</b></p>
<form id="call"><input id="other" placeholder="the other's id" required> <button>Connect</button></form>
<form id="say"><input id="text" required> <button>Say</button></form>
<ul id="log"></ul>
<script src="/peerjs.min.js"></script>
<script>
  const at = id => document.getElementById(id)
  const note = text => at('log').appendChild(document.createElement('li')).textContent = text
  // no STUN servers: enough between the tabs of one machine
  const peer = new Peer({ host: location.hostname, port: location.port, path: '/peer', config: { iceServers: [] } })
  let other
  function talk(connection) {
    other = connection
    connection.on('open', () => note('connected with ' + connection.peer))
    connection.on('data', data => note('they: ' + data))
  }
  peer.on('open', id => at('me').textContent = id)
  peer.on('connection', talk)
  peer.on('error', error => note(error.message))
  at('call').onsubmit = event => (event.preventDefault(), talk(peer.connect(at('other').value)))
  at('say').onsubmit = event => {
    event.preventDefault()
    if (!other?.open) return note('there is nobody to talk to')
    other.send(at('text').value)
    note('I: ' + at('text').value)
    at('text').value = ''
  }
</script>
)";

// Serves the page and its script. The dialect answers all requests under /peer.
struct page {
    std::string script;

    bool operator()(const sigfire::request& asked, sigfire::response& answer) const {
        const bool wants_script = asked.path() == "/peerjs.min.js";
        if (asked.path() != "/" && !wants_script) return false;
        answer.content_type = wants_script ? "text/javascript" : "text/html; charset=utf-8";
        answer.body = wants_script ? script : html;
        return true;
    }
};

// The response that a browser would receive.
asio::awaitable<std::string> get(std::uint16_t port, std::string path) {
    asio::ip::tcp::socket socket{co_await asio::this_coro::executor};
    const asio::ip::tcp::endpoint server{asio::ip::address_v4::loopback(), port};
    co_await socket.async_connect(server, asio::use_awaitable);
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    std::string answer;
    boost::system::error_code end; // the end of the connection
    co_await asio::async_read(socket, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, end));
    co_return answer;
}

asio::awaitable<void> look(std::uint16_t port, bool& good, std::function<void()> done) {
    const auto shown = co_await get(port, "/"), id = co_await get(port, "/peer/peerjs/id");
    good = shown.ends_with(html) && id.starts_with("HTTP/1.1 200");
    std::cout << "the page has " << shown.size() << " bytes; an id is " << id.substr(id.rfind('\n') + 1)
              << '\n';
    done();
}

int main(int argc, char** argv) {
    using namespace std::chrono_literals;
    page pages;
    if (argc > 2) {
        std::ifstream file{argv[2]};
        pages.script.assign(std::istreambuf_iterator<char>{file}, {});
        if (pages.script.empty()) return std::cerr << "there is no PeerJS in " << argv[2] << '\n', 1;
    }
    asio::io_context io{1};
    const auto asked = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[1]) : 0);
    sigfire::server srv{sigfire::websocket{io, {.port = asked}},
                        sigfire::dialect::peerjs{{.path = "/peer"}},
                        sigfire::mailbox{sigfire::direct_router{}, 5s}, // for peers that connect later
                        sigfire::identity{},
                        sigfire::heartbeat{},
                        pages};
    const auto address = srv.address(); // ws://127.0.0.1:PORT
    std::cout << "open http" << address.substr(2) << "/ in two tabs" << std::endl;

    bool good = argc > 2;
    asio::signal_set signals{io, SIGINT, SIGTERM};
    if (good)
        signals.async_wait([&](auto, int) { srv.stop(); });
    else
        asio::co_spawn(io,
                       look(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))),
                            good, [&] { srv.stop(); }),
                       asio::detached);
    io.run();
    return good ? 0 : 1;
}
