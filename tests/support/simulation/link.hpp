// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::test {

/// What a network is like.
struct network_options {
    std::chrono::milliseconds delay{20};   ///< a message travels for this long at the most
    std::chrono::milliseconds late{3000};  ///< the server hears of an end within this time, mostly at once
    std::chrono::milliseconds dead{60000}; ///< within this time it notices that a peer has vanished
    std::size_t message = std::size_t{1} << 20; ///< bytes of the longest message in either direction
    std::size_t outbox = std::size_t{4} << 20;  ///< bytes that may wait for a peer that does not read
};

class network;

/** A connection: both of its ends, and the messages in between. Lives as long as its network.
 *
 *  The peer's end is for tests: `send`, `close`, the troubles, and the two functions that are called for
 *  arriving messages. The server's end is for `transport`. */
class link {
    struct key {};

public:
    link(key, network& net, std::uint32_t n) : number(n), net_(net) {}
    link(const link&) = delete;
    link& operator=(const link&) = delete;

    const std::uint32_t number; ///< from 1, in the order of connecting
    std::string name;           ///< for traces

    /// @name The peer's end
    /// @{
    std::function<void(std::string&)> on_message;    ///< a message arrived
    std::function<void(const ending&, errc)> on_end; ///< the other side ended it, or it broke: `lost`

    /// Whether the peer believes that it is connected.
    bool open() const noexcept { return peer_open_; }
    /// Whether something that was sent to the peer may have got lost on the way.
    bool broken() const noexcept { return broken_; }
    /// Whether the peer is not reading.
    bool stalled() const noexcept { return stalled_; }

    void send(std::string bytes, message_type type = message_type::text);
    /// Ends it properly. Nothing arrives any more.
    void close();
    /// Breaks the wire. Travelling messages are lost; both sides will notice.
    void cut();
    /// The peer is gone, and nobody tells the server.
    void vanish();
    /// The server gives up on a peer, now: it did not answer for too long.
    void give_up();
    /// The peer stops reading, but may go on talking.
    void stall() noexcept { stalled_ = true; }
    /// It reads again.
    void read();
    /// @}

    /// @name The server's end
    /// @{
    errc cause() const noexcept { return cause_; } ///< why it ends; `ok` while it does not
    bool told() const noexcept { return told_; }   ///< whether the sink was told `closed`
    bool held() const noexcept { return held_; }
    bool usable() const noexcept { return accepted_ && cause_ == errc::ok; } ///< takes messages
    bool answered() const noexcept { return accepted_ || refused_; }
    request asked() const noexcept {
        return {method_, target_, {&header_, header_.value.empty() ? 0u : 1u}, "192.0.2.1"};
    }

    char* reserve(message_type type, std::size_t n);
    void commit(std::size_t n);
    bool room(std::size_t n);
    void accept(std::string_view subprotocol);
    void refuse(const ending& e);
    void hold();
    void release();
    bool ping();
    void close(const ending& e, errc why);
    /// @}

private:
    friend class network;

    enum class content : unsigned char { message, sign_of_life, end };
    struct parcel {
        content what;
        message_type type;
        std::string bytes;
    };
    struct lane {
        std::deque<parcel> flying;
        time_point last{}; // nothing overtakes
    };

    // Whether the sink knows of it, and it has not ended.
    bool lives() const noexcept { return cause_ == errc::ok && !told_ && !refused_; }
    bool fits(std::size_t n) const noexcept;
    void used(const char* what);
    void take_down(const parcel& p);

    network& net_;
    std::string method_, target_, subprotocol_;
    header header_;
    lane up_, down_;
    std::deque<parcel> outbox_, unread_, kept_; // not sent yet; not read by the peer; not read by the server
    std::size_t waiting_ = 0;                   // bytes in outbox_
    parcel reserved_{};
    ending farewell_;
    errc cause_ = errc::ok;
    bool peer_open_ = true, known_ = false, accepted_ = false, refused_ = false, held_ = false, told_ = false;
    bool cut_ = false, gone_ = false, swallows_ = false, stalled_ = false, broken_ = false;
    bool asked_ = false, said_goodbye_ = false, telling_ = false, dirty_ = false, reserving_ = false;
};

/// The acts that may be watched. Watching changes nothing.
class network_observer {
public:
    virtual ~network_observer() = default;
    /// Around each call of the sink: what it is about to be told.
    virtual void before_opening(link&) {}
    virtual void before_received(link&, std::string_view) {}
    virtual void before_alive(link&) {}
    virtual void before_closed(link&, errc) {}
    virtual void before_tick() {}
    virtual void after_call(link*) {}
    /// The server wrote a message, one too many for a peer that does not read, or ended the connection.
    virtual void committed(link&, std::string_view) {}
    virtual void overflowed(link&) {}
    virtual void ended_by_server(link&, errc) {}
    virtual void pinged(link&) {}
    /// A law of Connection or Sink was broken.
    virtual void broken_law(const link*, const char*) {}
};

} // namespace sigfire::inline v0_1::test
