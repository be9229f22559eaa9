// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_format.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/net/loopback.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The owner of a link. `on_end` is called at most once; after it, and after `abandon`, nothing is called.
class client_link_events {
public:
    /// Messages can be sent; `extras`: the server has sigfire's own protocol.
    virtual void on_open(bool extras) = 0;
    virtual void on_bytes() = 0;            ///< bytes came, perhaps only a part of a message
    virtual bool on_message(message m) = 0; ///< false: no more messages until `resume`
    /// `close_code` is the server's, or 0.
    virtual void on_end(error_code why, std::uint16_t close_code) = 0;

protected:
    ~client_link_events() = default;
};

/// A client's connection over any carrier. The constructor, `send`, `ping`, `finish` and `abandon` never call
/// an event; `resume` may. One thread at a time.
class client_link {
public:
    virtual ~client_link() = default;

    /// Sends a message. False if too many bytes wait already.
    virtual bool send(std::string_view text) = 0;
    /// Reads again.
    virtual void resume() = 0;
    /// Pings the server. False if this wire has no pings.
    virtual bool ping() = 0;
    /// Sends all that waits, then closes properly. Messages that come before the end are still delivered;
    /// then `on_end` is called.
    virtual void finish() = 0;
    /// Ends at once. Sends `last_message` if that is possible without waiting.
    virtual void abandon(const ending& last_message) = 0;
};

/// A link over a loopback.
class client_loopback final : public client_link, public std::enable_shared_from_this<client_loopback> {
public:
    client_loopback(client_link_events& to, client_translation by)
        : events_{&to}, translation_{std::move(by)} {}

    /// Connects; if there is no server, the link ends with `connection_refused`.
    void open(const transport::loopback& net) {
        io_ = &net.context();
        end_ = net.connect();
        if (!end_) return later([](client_loopback& l) { l.ended(boost::asio::error::connection_refused); });
        end_.on_closed([this](const ending& said, errc why) { ended(why, said.close_code); });
        later([](client_loopback& l) {
            if (!l.events_) return;
            l.events_->on_open(true);
            l.resume();
        });
    }

    bool send(std::string_view text) override {
        return end_.send(translation_.to_send(text), translation_.type()) == errc::ok;
    }

    void resume() override {
        if (events_) end_.on_message([this](message m) { received(m); });
    }

    bool ping() override { return false; }

    void finish() override {
        end_.close();
        later([](client_loopback& l) { l.ended(errc::closed); });
    }

    void abandon(const ending& last_message) override {
        events_ = nullptr;
        end_.close(last_message.close_code == 0 ? errc::lost : errc::closed);
    }

private:
    template <class F>
    void later(F f) {
        boost::asio::post(*io_, [self = shared_from_this(), f] { f(*self); });
    }

    void received(message m) {
        const auto alive = shared_from_this();
        if (events_) events_->on_bytes();
        if (events_ && !events_->on_message(translation_.received(m))) end_.on_message(nullptr);
    }

    void ended(error_code why, std::uint16_t close_code = 0) {
        if (events_) std::exchange(events_, nullptr)->on_end(why, close_code);
    }

    client_link_events* events_;
    client_translation translation_;
    boost::asio::io_context* io_ = nullptr;
    transport::loopback::end end_;
};

} // namespace sigfire::inline v0_1::detail
