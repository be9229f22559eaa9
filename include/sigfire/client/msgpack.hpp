// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/binary_client.hpp>
#include <sigfire/client/detail/client_format.hpp>
#include <sigfire/codec/transcoder.hpp>
#include <sigfire/core/error.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1 {

namespace detail {

class msgpack_format final : public client_format {
public:
    std::string_view subprotocol() const noexcept override { return codec::binary_client::subprotocol; }
    result<std::string> from_json(std::string_view json) const override {
        return codec::msgpack_from_json(json);
    }
    result<std::string> to_json(std::string_view message) const override {
        return codec::json_from_msgpack(message);
    }
};

} // namespace detail

/** MessagePack for the messages of a client: `client c{io, {.format = client_msgpack()}}`. The client takes
 * and gives JSON as before; the rules of translation stand at `msgpack_from_json`.
 *
 *  On a WebSocket the client offers the sub-protocol `sigfire.v1.msgpack`, and behind it its own
 *  `client_options::subprotocol`. If the server chooses another than the first, the messages are JSON. On
 * TCP, Unix sockets and `loopback` the server has to use the codec `binary`. One may serve many clients, on
 * several threads. */
[[nodiscard]] inline std::shared_ptr<const detail::client_format> client_msgpack() {
    return std::make_shared<detail::msgpack_format>();
}

} // namespace sigfire::inline v0_1
