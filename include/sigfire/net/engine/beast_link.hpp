// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/beast_options.hpp>
#include <sigfire/net/http/upgrade.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

namespace detail {

template <class Stream>
class beast_link;

/// The state that connections on Beast streams share with their engine. The connections own it together, and
/// may outlive the engine.
template <class Stream>
struct beast_core {
    using link = beast_link<Stream>;
    using step_function = void(link&, error_code);

    const beast_options options;
    boost::asio::io_context& io;
    void* engine; // null when the engine is gone
    // Makes the engine take a turn. If there is a link, the turn begins with `f(link, ec)`.
    void (*turn)(void* engine, link*, step_function* f, error_code ec);
    std::vector<std::shared_ptr<link>> touched{}; // connections to look at in this turn
    bool in_turn = false;

    static void touch(const std::shared_ptr<beast_core>& self, std::shared_ptr<link> l) {
        if (self->engine == nullptr) return;
        // A call of the host program between turns starts a turn of its own.
        if (self->touched.empty() && !self->in_turn) wake(self);
        self->touched.push_back(std::move(l));
    }

    static void wake(const std::shared_ptr<beast_core>& self) {
        boost::asio::post(self->io, [self] {
            if (self->engine != nullptr) self->turn(self->engine, nullptr, nullptr, {});
        });
    }
};

/// The cause that an error of Beast stands for.
inline errc cause_of(const error_code& ec) {
    namespace ws = boost::beast::websocket;
    if (ec == ws::error::closed) return errc::closed;
    if (ec == ws::error::message_too_big || ec == ws::error::buffer_overflow) return errc::too_large;
    if (ec == ws::error::bad_frame_payload) return errc::bad_utf8;
    if (ec == ws::condition::protocol_violation) return errc::protocol_violation;
    if (ec == boost::beast::error::timeout) return errc::pong_timeout;
    return errc::lost;
}

/// A connection on a Beast stream, without the user's state: the members of Connection, and the steps of the
/// engine. Both are independent of the sink, so the compiler instantiates them once.
template <class Stream>
class beast_link : public std::enable_shared_from_this<beast_link<Stream>> {
    using core_ptr = std::shared_ptr<beast_core<Stream>>;

public:
    using stream = Stream;
    using request_head = boost::beast::http::request<boost::beast::http::empty_body>;

    beast_link(core_ptr core, Stream&& s, request_head asked, std::string remote)
        : core_{std::move(core)}, stream_{std::move(s)}, asked_{std::move(asked)},
          remote_{std::move(remote)} {}

    char* reserve(message_type type, std::size_t n) {
        if (silent()) return nullptr;
        if (!room(n)) {
            while (out_.size() > (writing_ ? 1u : 0u))
                out_.pop_back(); // a block that is being sent cannot be removed
            return cut(errc::slow_consumer), nullptr;
        }
        next_ = {type, std::string(n, '\0')};
        return next_.bytes.data();
    }

    void commit(std::size_t n) {
        next_.bytes.resize(n);
        waiting_ += n;
        out_.push_back(std::move(next_));
        touch();
    }

    bool room(std::size_t n) const {
        return !silent() && (out_.empty() || waiting_ + n <= core_->options.outbox);
    }

    // A message for several connections. Beast needs a buffer for each, so each gets a copy.
    struct shared_message {
        message_type type;
        std::shared_ptr<const std::string> bytes;
    };

    shared_message share(message_type type, std::string_view bytes) {
        return {type, std::make_shared<const std::string>(bytes)};
    }

    bool append(const shared_message& block) {
        char* p = reserve(block.type, block.bytes->size());
        if (!p) return false;
        block.bytes->copy(p, block.bytes->size());
        commit(block.bytes->size());
        return true;
    }

    void accept(std::string_view subprotocol) {
        if (step_ != step::opening || silent()) return;
        step_ = step::accepted;
        known_ = true;
        subprotocol_ = subprotocol;
        touch();
    }

    void refuse(const ending& e) {
        if (step_ != step::opening) return;
        known_ = false;
        turn_down(e, errc::denied);
    }

    void hold() {
        if (step_ == step::opening) known_ = true;
        held_ = true;
    }

    void release() {
        if (step_ != step::opening) held_ = false;
        touch();
    }

    bool ping() {
        if (silent()) return false;
        asks_ = true;
        touch();
        return true;
    }

    void close(const ending& e, errc cause) {
        if (silent()) return;
        if (step_ == step::opening) return turn_down(e, cause);
        farewell_ = e;
        finish(cause);
    }

private:
    template <class, class>
    friend class beast_engine;

    static constexpr std::size_t kept = 16 << 10; // largest receive buffer to keep, in bytes

    // The stage of a connection.
    enum class step : unsigned char {
        entered,   // the sink does not have it yet
        opening,   // the sink has it
        accepted,  // the response to the upgrade is being sent
        open,      // both sides can write
        answering, // the last HTTP response is being sent
        over,      // the socket is closed
    };
    struct outgoing {
        message_type type;
        std::string bytes;
    };

    bool silent() const { return ending_ || cut_; }

    void touch() {
        if (!std::exchange(touched_, true)) core_->touch(core_, this->shared_from_this());
    }

    void turn_down(const ending& e, errc cause) {
        if (e.http_status == 0) return cut(cause);
        answer(detail::compose(detail::refusal_response(e)), cause);
    }

    void answer(std::string text, errc cause) {
        step_ = step::answering;
        answer_ = std::move(text);
        finish(cause);
    }

    void finish(errc cause) {
        if (std::exchange(ending_, true)) return;
        cause_ = cause;
        touch();
    }

    // The socket is closed at the end of the turn, even with pending output.
    void cut(errc cause) {
        if (std::exchange(cut_, true)) return;
        if (!ending_) cause_ = cause;
        touch();
    }

    // Runs in a turn of the engine, before the engine looks at the connection. Does nothing when one of the
    // two is gone.
    struct handler {
        core_ptr core;
        std::shared_ptr<beast_link> link;
        typename beast_core<Stream>::step_function* f;

        void operator()(error_code ec, std::size_t = 0) const {
            if (core->engine != nullptr && link->step_ != step::over)
                core->turn(core->engine, link.get(), f, ec);
        }
    };

    handler then(typename beast_core<Stream>::step_function* f) {
        return {core_, this->shared_from_this(), f};
    }

    // Sets the address of the other side, if the stream has one.
    void look_up_remote(error_code& ec) {
        auto& lowest = boost::beast::get_lowest_layer(stream_);
        if constexpr (requires { lowest.expires_never(); }) lowest.expires_never(); // as Beast recommends
        if constexpr (requires { lowest.socket().remote_endpoint(ec).address(); })
            if (remote_.empty()) remote_ = lowest.socket().remote_endpoint(ec).address().to_string();
    }

    void shake_hands() {
        if (std::exchange(busy_, true)) return;
        namespace ws = boost::beast::websocket;
        stream_.read_message_max(core_->options.message);
        stream_.set_option(
            ws::stream_base::timeout{core_->options.close_timeout, core_->options.silence_timeout, true});
        stream_.set_option(ws::stream_base::decorator{[this](ws::response_type& r) {
            if (!subprotocol_.empty()) r.set(boost::beast::http::field::sec_websocket_protocol, subprotocol_);
        }});
        stream_.control_callback([this](ws::frame_type kind, boost::beast::string_view) {
            if (kind != ws::frame_type::pong || !std::exchange(waits_, false)) return;
            lives_ = true;
            touch();
        });
        stream_.async_accept(asked_, then([](beast_link& d, error_code ec) {
                                 d.busy_ = false;
                                 d.step_ = step::open;
                                 if (ec) d.cut(errc::lost);
                             }));
    }

    void write_answer() {
        if (std::exchange(busy_, true)) return;
        boost::asio::async_write(stream_.next_layer(), boost::asio::buffer(answer_),
                                 then([](beast_link& d, error_code) { d.cut(errc::closed); }));
    }

    void read() {
        if (held_ || full_ || std::exchange(reading_, true)) return;
        stream_.async_read(in_, then([](beast_link& d, error_code ec) {
                               d.reading_ = false;
                               d.full_ = !ec;
                               // During a close, a failed read is expected.
                               if (ec && !d.busy_) d.cut(detail::cause_of(ec));
                           }));
    }

    void write() {
        if (!out_.empty() && !std::exchange(writing_, true)) {
            stream_.text(out_.front().type == message_type::text);
            stream_.async_write(boost::asio::buffer(out_.front().bytes),
                                then([](beast_link& d, error_code ec) {
                                    d.writing_ = false;
                                    d.waiting_ -= d.out_.front().bytes.size();
                                    d.out_.pop_front();
                                    if (ec) d.cut(detail::cause_of(ec));
                                }));
        }
        if (asks_ && !ending_ && !std::exchange(pinging_, true)) {
            asks_ = false;
            waits_ = true;
            stream_.async_ping({}, then([](beast_link& d, error_code) { d.pinging_ = false; }));
        }
    }

    void say_goodbye() {
        if (std::exchange(busy_, true)) return;
        const auto& e = farewell_;
        if (e.close_code == 0) return cut(cause_);
        boost::beast::websocket::close_reason reason{e.close_code == 1005 ? std::uint16_t{} : e.close_code};
        if (reason.code != 0) reason.reason.assign(e.text.substr(0, reason.reason.max_size()));
        stream_.async_close(reason, then([](beast_link& d, error_code) { d.cut(errc::closed); }));
    }

    message arrived() {
        const auto bytes = in_.data();
        return {{static_cast<char*>(bytes.data()), bytes.size()},
                stream_.got_text() ? message_type::text : message_type::binary};
    }

    void forget_arrived() {
        in_.clear();
        if (in_.capacity() > kept) in_ = {}; // give back a buffer that one large message needed
        full_ = false;
    }

    void close_socket() {
        step_ = step::over;
        auto& lowest = boost::beast::get_lowest_layer(stream_);
        error_code ignored;
        if constexpr (requires { lowest.socket().close(ignored); })
            lowest.socket().close(ignored);
        else
            lowest.close(ignored);
    }

    core_ptr core_;
    Stream stream_;
    request_head asked_;
    std::string remote_, subprotocol_, answer_;
    boost::beast::flat_buffer in_;
    std::deque<outgoing> out_; // while writing, the first is being sent
    outgoing next_{};
    std::size_t waiting_ = 0; // bytes in out_
    std::size_t index_ = 0;   // in the engine's table
    ending farewell_;
    errc cause_ = errc::closed;
    step step_ = step::entered;
    bool held_ = false, known_ = false, ending_ = false, cut_ = false, touched_ = false;
    bool busy_ = false; // in an exclusive operation: an answer or a close
    bool reading_ = false, writing_ = false, pinging_ = false;
    bool full_ = false;                 // a message lies in in_
    bool asks_ = false, waits_ = false; // to be pinged; waiting for the pong
    bool lives_ = false;                // a pong came
};

} // namespace detail

} // namespace sigfire::inline v0_1
