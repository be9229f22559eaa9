// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/native_loop.hpp>
#include <sigfire/net/engine/socket_name.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/unix_path.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace sigfire {

/// Where and how to serve a Unix socket.
struct unix_socket_options {
    std::string path{};  ///< of the socket in the file system, at most 107 bytes. A path that nobody listens
                         ///< on any more is taken over. `@name`: Linux's abstract names, no file at all
    unsigned mode = 0;   ///< permission to connect, as `chmod` has it (0660); 0 = by the process' umask
    int descriptor = -1; ///< a listening socket that this process was handed, see `activated_sockets`, to use
                         ///< instead of one of its own: neither made, changed nor removed; -1 = none
    bool hello = false;  ///< a peer's first message is `hello`, which tells its name and proof, see
                         ///< docs/reference/protocol.md; a peer without one in time is refused
    stream_limits limits{}; ///< bounds of the memory and time that peers cost it
    accept_gate gate{};     ///< asked about each connection
};

namespace transport {

/** Unix socket, each message behind its length (4 bytes, big endian) or, with `framing::line`, a line. Models
 *  Transport.
 *
 *  A description: sockets come into being with its engine; the path is removed with it. The wire has no
 *  pings: the system tells when a peer is gone. The io_context outlives the engine and is run by one
 *  thread. */
template <class Loop, class Framing = framing::length>
class basic_unix_socket {
public:
    using loop_type = Loop;
    using framing_type = Framing;
    static constexpr bool upgrades = false;
    static constexpr bool local = true; // the system knows which process is at the other end

    template <class State>
    using connection = detail::stream_connection<basic_unix_socket, Loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_unix_socket, Loop, State>::template with<Sink>;

    basic_unix_socket(boost::asio::io_context& io, unix_socket_options options)
        : io_{&io}, options_{std::move(options)} {}

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }
    const accept_gate& gate() const { return options_.gate; }
    bool hello() const { return options_.hello; }

    void bind(detail::stream_acceptor& a, error_code& ec) {
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        // The address type would throw.
        if (options_.path.empty() || options_.path.size() > 107) {
            ec = boost::asio::error::name_too_long;
            if (options_.path.empty()) ec = boost::asio::error::invalid_argument;
            return;
        }
        place_.take(a, options_.path, options_.mode, ec);
    }

    void unbind(detail::stream_acceptor&) { place_.give_back(options_.path); }

    std::string address(const detail::stream_acceptor& a) const {
        error_code none;
        if (options_.descriptor < 0) return scheme + options_.path;
        const auto bound = a.local_endpoint(none);
        return scheme + (none ? std::string{} : detail::socket_path(bound));
    }

private:
    // Clients have to know.
    static constexpr const char* scheme = std::is_same_v<Framing, framing::line> ? "line+unix:" : "unix:";

    boost::asio::io_context* io_;
    unix_socket_options options_;
    detail::unix_path place_;
};

/// Unix socket on the fastest loop this system has.
using unix_socket = basic_unix_socket<detail::native_loop>;

/// The same with a message a line (`framing::line`): JSON for a user with no more than a terminal.
using unix_socket_lines = basic_unix_socket<detail::native_loop, framing::line>;

static_assert(Transport<unix_socket> && Transport<unix_socket_lines>);

} // namespace transport

using transport::unix_socket;
using transport::unix_socket_lines;

} // namespace sigfire
