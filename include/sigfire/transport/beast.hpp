// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/detail/upgrade.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/version.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/// What peers on Beast streams may make a server store, and for how long.
struct beast_options {
    std::size_t message = std::size_t{1} << 20; ///< bytes of the longest message; longer ends with 1009
    std::size_t outbox = std::size_t{4} << 20;  ///< unsent bytes of a connection; more ends it as
                                                ///< `slow_consumer`. An empty outbox takes any message
    std::chrono::milliseconds dead{60'000};     ///< silence after which a peer counts as gone; it is pinged
                                                ///< after half of that
    std::chrono::milliseconds closing{5000};    ///< how long a peer may take to agree to a close
    bool secure = false;                        ///< whether the streams are TLS, for `request::secure`
    std::string address = "beast";              ///< what `address` calls the place where you accept
};

namespace detail {

/// What the connections on Beast streams share with their engine, and what is left when it is gone.
template <class Connection>
struct beast_core {
    const beast_options options;
    boost::asio::io_context& io;
    void (*turn)(void*);
    void* engine;                                       // null once it is gone
    std::vector<std::shared_ptr<Connection>> touched{}; // those to look at in this turn
    bool in_turn = false;

    static void touch(const std::shared_ptr<beast_core>& self, std::shared_ptr<Connection> c) {
        if (self->engine == nullptr) return;
        // What a host program does between turns gets a turn of its own.
        if (self->touched.empty() && !self->in_turn) wake(self);
        self->touched.push_back(std::move(c));
    }

    static void wake(const std::shared_ptr<beast_core>& self) {
        boost::asio::post(self->io, [self] {
            if (self->engine != nullptr) self->turn(self->engine);
        });
    }
};

/// Why a connection ended, by what Beast says.
inline errc cause_of(const error_code& ec) {
    namespace ws = boost::beast::websocket;
    if (ec == ws::error::closed) return errc::closed;
    if (ec == ws::error::message_too_big || ec == ws::error::buffer_overflow) return errc::too_large;
    if (ec == ws::error::bad_frame_payload) return errc::bad_utf8;
    if (ec == ws::condition::protocol_violation) return errc::protocol_violation;
    if (ec == boost::beast::error::timeout) return errc::pong_timeout;
    return errc::lost;
}

} // namespace detail

namespace transport {

/** Beast streams of your own HTTP server: you accept and read the request, `adopt` does the rest. Models
 *  Transport.
 *
 *  `beast<> peers{io}; listener l{peers, json{}, hub};`, and for each request that asks for a WebSocket
 *  `peers.adopt(beast<>::stream{std::move(tcp)}, request)`. Copies are the same meeting point, for one engine
 *  at a time. `Stream` is a `boost::beast::websocket::stream` over anything; for one over TLS include
 *  `<boost/beast/websocket/ssl.hpp>`. Its executor is the io_context, which one thread runs and which
 * outlives everything.
 *
 *  Framing is Beast's, and so are its costs: an allocation or more per message. Take `websocket` where the
 *  port may be sigfire's. */
template <class Stream = boost::beast::websocket::stream<boost::beast::tcp_stream>>
class beast {
public:
    using stream = Stream;
    template <class State>
    class connection;
    template <class State, class Sink>
    class engine;

    explicit beast(boost::asio::io_context& io, beast_options options = {})
        : io_{&io}, options_{std::move(options)}, place_{std::make_shared<place>()} {}

    boost::asio::io_context& context() const { return *io_; }

    /** Hands over a stream whose peer sent `asked` and has not been answered: a peer is let in or refused, a
     *  plain request is answered, by the listener's codec or HttpHandler, and its connection closed. `remote`
     *  is the numeric address of the other side; empty = that of the socket. False, and nothing was done, if
     *  nobody listens.
     *
     *  What your parser has read beyond the request is lost; clients send nothing before they are let in. */
    template <class Body, class Fields>
    bool adopt(Stream&& s, const boost::beast::http::request<Body, Fields>& asked,
               std::string remote = {}) const {
        if (!place_->enter) return false;
        boost::beast::http::request<boost::beast::http::empty_body> head;
        head.method_string(asked.method_string());
        head.target(asked.target());
        head.version(asked.version());
        for (const auto& f : asked) head.insert(f.name(), f.name_string(), f.value());
        place_->enter(std::move(s), std::move(head), std::move(remote));
        return true;
    }

private:
    using request_head = boost::beast::http::request<boost::beast::http::empty_body>;
    struct place {
        std::function<void(Stream&&, request_head, std::string)> enter; // empty while nobody listens
    };

    boost::asio::io_context* io_;
    beast_options options_;
    std::shared_ptr<place> place_;
};

/// A peer on a Beast stream. Models Connection; the engine drives it.
template <class Stream>
template <class State>
class beast<Stream>::connection : public std::enable_shared_from_this<connection<State>> {
    using core_ptr = std::shared_ptr<detail::beast_core<connection>>;

public:
    connection(core_ptr core, Stream&& s, request_head asked, std::string remote)
        : core_{std::move(core)}, stream_{std::move(s)}, asked_{std::move(asked)},
          remote_{std::move(remote)} {}

    char* reserve(message_type type, std::size_t n) {
        if (silent()) return nullptr;
        if (!room(n)) {
            while (out_.size() > (writing_ ? 1u : 0u))
                out_.pop_back(); // what is being sent cannot be taken back
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

    State& state() { return state_; }

private:
    template <class, class>
    friend class beast::engine;

    // How far it has come.
    enum class step : unsigned char {
        entered,   // nobody was asked
        opening,   // the sink was
        accepted,  // its answer is on the way
        open,      // both sides can write
        answering, // the HTTP response that is the end of it is on the way
        over,      // the socket is closed
    };
    struct parcel {
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

    // The socket is closed at the end of the turn, whatever is pending.
    void cut(errc cause) {
        if (std::exchange(cut_, true)) return;
        if (!ending_) cause_ = cause;
        touch();
    }

    core_ptr core_;
    Stream stream_;
    request_head asked_;
    std::string remote_, subprotocol_, answer_;
    boost::beast::flat_buffer in_;
    std::deque<parcel> out_; // while writing, the first is being sent
    parcel next_{};
    std::size_t waiting_ = 0; // bytes in out_
    std::size_t index_ = 0;   // in the engine's table
    ending farewell_;
    errc cause_ = errc::closed;
    step step_ = step::entered;
    bool held_ = false, known_ = false, ending_ = false, cut_ = false, touched_ = false;
    bool busy_ = false; // with what there is one of at a time: answering, or saying goodbye
    bool reading_ = false, writing_ = false, pinging_ = false;
    bool full_ = false;                 // a message lies in in_
    bool asks_ = false, waits_ = false; // for a sign of life
    bool lives_ = false;                // there was one
    State state_{};
};

/// Carries messages between Beast streams and a sink.
template <class Stream>
template <class State, class Sink>
class beast<Stream>::engine {
    using connection = beast::connection<State>;
    using core = detail::beast_core<connection>;
    using milliseconds = std::chrono::milliseconds;
    using step = typename connection::step;

public:
    engine(const beast& description, Sink& sink)
        : place_{description.place_}, sink_{sink}, timer_{*description.io_},
          core_{new core{description.options_, *description.io_,
                         [](void* self) { static_cast<engine*>(self)->turn([] {}); }, this}} {}

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    ~engine() {
        unlisten();
        core_->engine = nullptr;
        core_->touched.clear();
        for (auto& c : connections_) close_socket(*c);
    }

    /// `address_in_use` if another engine listens here.
    void open(error_code& ec) {
        ec = {};
        if (place_->enter) ec = boost::asio::error::address_in_use;
        if (ec) return;
        listening_ = true;
        place_->enter = [this](Stream&& s, request_head asked, std::string remote) {
            auto c = std::make_shared<connection>(core_, std::move(s), std::move(asked), std::move(remote));
            c->index_ = connections_.size();
            connections_.push_back(c);
            c->touch();
        };
    }

    std::string address() const { return core_->options.address; }

    void stop(milliseconds drain, std::function<void()> f) {
        const bool again = std::exchange(stopping_, true);
        unlisten();
        if (f) stopped_ = std::move(f);
        drain_until_ = again ? clock::now() : clock::now() + drain;
        for (auto& c : connections_)
            if (c->step_ <= step::opening || again) c->cut(errc::stopping);
        core_->wake(core_);
    }

private:
    static constexpr std::size_t kept = 16 << 10; // bytes of a receive buffer

    void unlisten() {
        if (std::exchange(listening_, false)) place_->enter = nullptr;
    }

    template <class F>
    void turn(F first) {
        core_->in_turn = true;
        const auto now = clock::now();
        sink_.tick(now);
        first();
        if (stopping_ && now >= drain_until_)
            for (auto& c : connections_) c->cut(errc::stopping);
        while (!core_->touched.empty())
            for (auto& c : std::exchange(core_->touched, {})) {
                c->touched_ = false;
                settle(*c);
            }
        core_->in_turn = false;
        if (stopping_ && connections_.empty()) {
            timer_.cancel();
            if (stopped_) std::exchange(stopped_, nullptr)();
            return;
        }
        arm(stopping_ ? std::min(sink_.tick(now), drain_until_) : sink_.tick(now));
    }

    // A handler that runs in a turn, then looks at the connection again; nothing once either is gone.
    template <class F>
    auto then(connection& c, F f) {
        return [this, core = core_, c = c.shared_from_this(), f](error_code ec, std::size_t = 0) {
            if (core->engine == nullptr || c->step_ == step::over) return;
            turn([&] {
                f(*c, ec);
                c->touch();
            });
        };
    }

    // Takes every step that can be taken now.
    void settle(connection& c) {
        if (c.step_ == step::over) return;
        if (c.step_ == step::entered && !c.cut_) enter(c);
        if (std::exchange(c.lives_, false) && !c.silent()) sink_.alive(c);
        if (c.full_ && !c.held_ && !c.silent()) {
            const auto bytes = c.in_.data();
            sink_.received(c, {{static_cast<char*>(bytes.data()), bytes.size()},
                               c.stream_.got_text() ? message_type::text : message_type::binary});
            c.in_.clear();
            if (c.in_.capacity() > kept) c.in_ = {}; // one large message shall not cost for ever
            c.full_ = false;
        }
        if (c.silent() && std::exchange(c.known_, false)) sink_.closed(c, c.cause_);
        if (c.cut_) return bury(c);
        if (c.step_ == step::accepted) shake_hands(c);
        if (c.step_ == step::answering && !std::exchange(c.busy_, true))
            boost::asio::async_write(c.stream_.next_layer(), boost::asio::buffer(c.answer_),
                                     then(c, [](connection& d, error_code) { d.cut(errc::closed); }));
        if (c.step_ != step::open) return;
        write(c);
        if (!c.ending_)
            read(c);
        else if (c.out_.empty() && !std::exchange(c.busy_, true))
            say_goodbye(c);
    }

    void enter(connection& c) {
        std::vector<header> fields;
        const auto view = [](boost::beast::string_view s) { return std::string_view{s.data(), s.size()}; };
        for (const auto& f : c.asked_) fields.push_back({view(f.name_string()), view(f.value())});
        auto& lowest = boost::beast::get_lowest_layer(c.stream_);
        if constexpr (requires { lowest.expires_never(); }) lowest.expires_never(); // Beast's advice
        error_code ec;
        if constexpr (requires { lowest.socket().remote_endpoint(ec).address(); })
            if (c.remote_.empty()) c.remote_ = lowest.socket().remote_endpoint(ec).address().to_string();
        if (ec) return c.cut(errc::lost);
        request r{view(c.asked_.method_string()), view(c.asked_.target()), fields, c.remote_};
        r.secure = core_->options.secure;
        if (!detail::wants_websocket(r) || r.method == "HEAD") {
            response out;
            if (!sink_.http(r, out))
                out = detail::refusal_response(r.method == "GET" ? detail::refusal(errc::upgrade_required)
                                                                 : ending{404, 0, "Not Found"});
            return c.answer(detail::compose(out, r.method == "HEAD"), errc::closed);
        }
        c.step_ = step::opening;
        const auto wrong = detail::check_upgrade(r, c.asked_.version() == 11, {});
        if (wrong != errc::ok) return c.refuse(detail::refusal(wrong));
        sink_.opening(c, r);
        if (c.step_ == step::opening && !c.held_) c.refuse({500, 0, "Not Admitted"});
    }

    void shake_hands(connection& c) {
        if (std::exchange(c.busy_, true)) return;
        namespace ws = boost::beast::websocket;
        c.stream_.read_message_max(core_->options.message);
        c.stream_.set_option(ws::stream_base::timeout{core_->options.closing, core_->options.dead, true});
        c.stream_.set_option(ws::stream_base::decorator{[&c](ws::response_type& r) {
            if (!c.subprotocol_.empty())
                r.set(boost::beast::http::field::sec_websocket_protocol, c.subprotocol_);
        }});
        c.stream_.control_callback([&c](ws::frame_type kind, boost::beast::string_view) {
            if (kind != ws::frame_type::pong || !std::exchange(c.waits_, false)) return;
            c.lives_ = true;
            c.touch();
        });
        c.stream_.async_accept(c.asked_, then(c, [](connection& d, error_code ec) {
                                   d.busy_ = false;
                                   d.step_ = step::open;
                                   if (ec) d.cut(errc::lost);
                               }));
    }

    void read(connection& c) {
        if (c.held_ || c.full_ || std::exchange(c.reading_, true)) return;
        c.stream_.async_read(c.in_, then(c, [](connection& d, error_code ec) {
                                 d.reading_ = false;
                                 d.full_ = !ec;
                                 // At the end of a goodbye this is not news.
                                 if (ec && !d.busy_) d.cut(detail::cause_of(ec));
                             }));
    }

    void write(connection& c) {
        if (!c.out_.empty() && !std::exchange(c.writing_, true)) {
            c.stream_.text(c.out_.front().type == message_type::text);
            c.stream_.async_write(boost::asio::buffer(c.out_.front().bytes),
                                  then(c, [](connection& d, error_code ec) {
                                      d.writing_ = false;
                                      d.waiting_ -= d.out_.front().bytes.size();
                                      d.out_.pop_front();
                                      if (ec) d.cut(detail::cause_of(ec));
                                  }));
        }
        if (c.asks_ && !c.ending_ && !std::exchange(c.pinging_, true)) {
            c.asks_ = false;
            c.waits_ = true;
            c.stream_.async_ping({}, then(c, [](connection& d, error_code) { d.pinging_ = false; }));
        }
    }

    void say_goodbye(connection& c) {
        const auto& e = c.farewell_;
        if (e.close_code == 0) return c.cut(c.cause_);
        boost::beast::websocket::close_reason reason{e.close_code == 1005 ? std::uint16_t{} : e.close_code};
        if (reason.code != 0) reason.reason.assign(e.text.substr(0, reason.reason.max_size()));
        c.stream_.async_close(reason, then(c, [](connection& d, error_code) { d.cut(errc::closed); }));
    }

    void bury(connection& c) {
        close_socket(c);
        connections_.back()->index_ = c.index_;
        std::swap(connections_[c.index_], connections_.back());
        connections_.pop_back(); // whose handlers still wait lives on in them
    }

    static void close_socket(connection& c) {
        c.step_ = step::over;
        auto& lowest = boost::beast::get_lowest_layer(c.stream_);
        error_code ignored;
        if constexpr (requires { lowest.socket().close(ignored); })
            lowest.socket().close(ignored);
        else
            lowest.close(ignored);
    }

    void arm(time_point t) {
        if (t >= armed_) return;
        armed_ = t;
        timer_.expires_at(t);
        timer_.async_wait([this, core = core_](error_code ec) {
            if (ec || core->engine == nullptr) return;
            armed_ = time_point::max();
            turn([] {});
        });
    }

    std::shared_ptr<place> place_;
    Sink& sink_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<core> core_;
    std::vector<std::shared_ptr<connection>> connections_;
    std::function<void()> stopped_;
    time_point drain_until_ = time_point::max(), armed_ = time_point::max();
    bool listening_ = false, stopping_ = false;
};

static_assert(Transport<beast<>>);

} // namespace transport

using transport::beast;

} // namespace sigfire
