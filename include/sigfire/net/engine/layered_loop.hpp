// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/io_context.hpp>

namespace sigfire::inline v0_1::detail {

/// Base of a layer between an engine and the loop of its sockets. It has the members that a layer does not
/// change. They mean the same as in `loop_epoll`.
template <class Loop>
class layered_loop {
public:
    static constexpr bool begins_late = true;

    Loop& inner() { return inner_; }

    time_point now() const { return inner_.now(); }
    void wake() { inner_.wake(); }
    void stop() { inner_.stop(); }
    void listen(stream_acceptor& a) { inner_.listen(a); }
    void unlisten(stream_acceptor& a) { inner_.unlisten(a); }

protected:
    layered_loop(boost::asio::io_context& io, turn_function turn, void* self) : inner_{io, turn, self} {}

    Loop inner_;
};

} // namespace sigfire::inline v0_1::detail
