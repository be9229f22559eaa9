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

namespace sigfire::detail {

/// The owner that a link tells; `on_end` at most once, and nothing after it or after `abandon`.
class client_link_events {
public:
    virtual void on_open(bool extras) = 0; ///< messages can be sent; `extras`: the server knows sigfire's own
    virtual void on_bytes() = 0;           ///< something came, be it part of a message
    virtual bool on_message(message m) = 0; ///< false: no more until `resume`
    /// `close_code`: the server's, or 0.
    virtual void on_end(error_code why, std::uint16_t close_code) = 0;

protected:
    ~client_link_events() = default;
};

/** A client's connection, by any carrier of its messages. Never calls its events out of its constructor,
 *  `send`, `ping`, `finish` or `abandon`; `resume` may. One thread at a time. */
class client_link {
public:
    virtual ~client_link() = default;

    /// Sends a message; false if too much waits already.
    virtual bool send(std::string_view text) = 0;
    /// Goes on reading.
    virtual void resume() = 0;
    /// Asks the server for a sign of life; false: this wire has no word for that.
    virtual bool ping() = 0;
    /// Sends all that waits and says goodbye. Messages that come meanwhile are still delivered; then comes
    /// `on_end`.
    virtual void finish() = 0;
    /// Ends at once; says `farewell` if there is a way to without waiting.
    virtual void abandon(const ending& farewell) = 0;
};

/// A client's link through a loopback.
class client_loopback final : public client_link, public std::enable_shared_from_this<client_loopback> {
public:
    client_loopback(client_link_events& to, client_translation by)
        : events_{&to}, translation_{std::move(by)} {}

    /// Connects, if there is a server.
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

    void abandon(const ending& farewell) override {
        events_ = nullptr;
        end_.close(farewell.close_code == 0 ? errc::lost : errc::closed);
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

} // namespace sigfire::detail
