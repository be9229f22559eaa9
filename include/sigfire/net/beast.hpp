// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/beast_link.hpp>
#include <sigfire/net/engine/loop_clock.hpp>
#include <sigfire/net/engine/tell_failure.hpp>
#include <sigfire/net/http/upgrade.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

namespace detail {

/// The meeting point of streams and engine.
template <class Stream>
struct beast_place {
    using request_head = typename beast_link<Stream>::request_head;
    std::function<void(Stream&&, request_head, std::string)> enter; // empty while no engine listens
};

/// A peer on a Beast stream. Models Connection.
template <class Stream, class State>
class beast_connection : public beast_link<Stream> {
public:
    using beast_link<Stream>::beast_link;
    State& state() { return state_; }

private:
    State state_{};
};

template <class Connection, class Sink>
class beast_engine;

} // namespace detail

namespace transport {

/** Beast streams of your own HTTP server. Your server accepts connections and reads the request; `adopt`
 *  does the rest. Models Transport.
 *
 *  First `beast<> peers{io}; listener l{peers, json{}, hub};`, then for each request for a WebSocket
 *  `peers.adopt(beast<>::stream{std::move(tcp)}, request)`. Copies of a description refer to the same
 *  meeting point, for one engine at a time. `Stream` is a `boost::beast::websocket::stream` over any
 *  layer; the default has no compression. For streams over TLS, include `<boost/beast/websocket/ssl.hpp>`.
 *  The executor of the stream is the io_context. One thread runs the io_context, and the io_context
 *  outlives all streams, engines and descriptions.
 *
 *  Beast does the framing, which costs one allocation or more per message. Prefer `websocket` if sigfire
 *  may own the port. */
template <class Stream = boost::beast::websocket::stream<boost::beast::tcp_stream, false>>
class beast {
public:
    /// The WebSocket stream of Beast.
    using stream = Stream;
    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::beast_connection<Stream, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = detail::beast_engine<connection<State>, Sink>;

    /// Describes the meeting point. `options` are the bounds for all its connections.
    explicit beast(boost::asio::io_context& io, beast_options options = {})
        : io_{&io}, options_{std::move(options)}, place_{std::make_shared<detail::beast_place<Stream>>()} {}

    /// The io_context of the streams.
    boost::asio::io_context& context() const { return *io_; }

    /** Hands over a stream. The peer has sent `asked`, and has no answer yet. The listener's codec admits
     *  or refuses the peer. For a plain request, the codec or the HttpHandler answers, and the connection
     *  is closed.
     *
     *  `remote` is the numeric address of the other side; empty = the address of the socket. Returns
     *  false, and does nothing, if no engine listens. Call it on the thread of the io_context.
     *
     *  Bytes that your parser has read beyond the request are lost. Clients send nothing before the server
     *  admits them. */
    template <class Body, class Fields>
    bool adopt(Stream&& s, const boost::beast::http::request<Body, Fields>& asked,
               std::string remote = {}) const {
        if (!place_->enter) return false;
        typename detail::beast_place<Stream>::request_head head;
        head.method_string(asked.method_string());
        std::string slash;
        head.target(detail::origin_form({asked.method_string().data(), asked.method_string().size()},
                                        {asked.target().data(), asked.target().size()}, slash));
        head.version(asked.version());
        for (const auto& f : asked) head.insert(f.name(), f.name_string(), f.value());
        place_->enter(std::move(s), std::move(head), std::move(remote));
        return true;
    }

private:
    template <class, class>
    friend class detail::beast_engine;

    boost::asio::io_context* io_;
    beast_options options_;
    std::shared_ptr<detail::beast_place<Stream>> place_;
};

} // namespace transport

/// Carries messages between Beast streams and a sink.
template <class Connection, class Sink>
class detail::beast_engine {
    using stream = typename Connection::stream;
    using link = beast_link<stream>;
    using core = beast_core<stream>;
    using place = beast_place<stream>;
    using milliseconds = std::chrono::milliseconds;
    using step = typename link::step;

public:
    beast_engine(const transport::beast<stream>& description, Sink& sink)
        : place_{description.place_}, sink_{sink},
          clock_{boost::asio::use_service<loop_clock>(*description.io_)}, timer_{*description.io_},
          core_{new core{description.options_, *description.io_, this, &run}} {}

    beast_engine(const beast_engine&) = delete;
    beast_engine& operator=(const beast_engine&) = delete;

    ~beast_engine() {
        unlisten();
        core_->engine = nullptr;
        core_->touched.clear();
        for (auto& c : connections_) c->close_socket();
    }

    /// `address_in_use` if another engine listens here.
    void open(error_code& ec) {
        ec = {};
        if (place_->enter) ec = boost::asio::error::address_in_use;
        if (ec) return;
        listening_ = true;
        place_->enter = [this](stream&& s, typename place::request_head asked, std::string remote) {
            auto c = std::make_shared<Connection>(core_, std::move(s), std::move(asked), std::move(remote));
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
        const auto now = clock_.now(clock::now());
        drain_until_ = again ? now : now + drain;
        for (auto& c : connections_)
            if (c->step_ <= step::opening || again) c->cut(errc::stopping);
        core_->wake(core_);
    }

private:
    void unlisten() {
        if (std::exchange(listening_, false)) place_->enter = nullptr;
    }

    static void run(void* self, link* l, typename core::step_function* f, error_code ec) {
        static_cast<beast_engine*>(self)->turn(l, f, ec);
    }

    void turn(link* l = nullptr, typename core::step_function* f = nullptr, error_code ec = {}) {
        core_->in_turn = true;
        const auto now = clock_.turn(clock::now(), due_);
        tick(due_ > now ? now : due_ - clock::duration{1});
        if (l != nullptr) {
            f(*l, ec);
            l->touch();
        }
        if (stopping_ && now >= drain_until_)
            for (auto& c : connections_) c->cut(errc::stopping);
        while (!core_->touched.empty())
            for (auto& c : std::exchange(core_->touched, {})) {
                c->touched_ = false;
                guard(static_cast<Connection&>(*c));
            }
        core_->in_turn = false;
        if (stopping_ && connections_.empty()) {
            timer_.cancel();
            if (stopped_) std::exchange(stopped_, nullptr)();
            return;
        }
        tick(now); // a message in this turn may have set a deadline
        arm(stopping_ ? std::min(due_, drain_until_) : due_);
    }

    void tick(time_point t) {
        try {
            due_ = sink_.tick(clock_.tell(t));
        } catch (...) {
            tell_failure(sink_, static_cast<Connection*>(nullptr));
            due_ = t + milliseconds{1000};
        }
    }

    // If the sink throws, only the connection of that call ends.
    void guard(Connection& c) {
        try {
            settle(c);
        } catch (...) {
            tell_failure(sink_, &c);
            const auto text = to_string(errc::internal_error);
            if (c.step_ == step::opening && !c.held_)
                c.refuse({500, 0, text});
            else if (c.step_ <= step::opening)
                c.answer(compose(refusal_response({500, 0, text})), errc::internal_error);
            else
                c.close({500, 1011, text}, errc::internal_error);
            c.touch();
        }
    }

    // Takes every step that is possible now.
    void settle(Connection& c) {
        if (c.step_ == step::over) return;
        if (c.step_ == step::entered && !c.cut_) enter(c);
        if (std::exchange(c.lives_, false) && !c.silent()) sink_.alive(c);
        if (c.full_ && !c.held_ && !c.silent()) {
            sink_.received(c, c.arrived());
            c.forget_arrived();
        }
        if (c.silent() && std::exchange(c.known_, false)) sink_.closed(c, c.cause_);
        if (c.cut_) return remove(c);
        if (c.step_ == step::accepted) c.shake_hands();
        if (c.step_ == step::answering) c.write_answer();
        if (c.step_ != step::open) return;
        c.write();
        if (!c.ending_)
            c.read();
        else if (c.out_.empty())
            c.say_goodbye();
    }

    void enter(Connection& c) {
        std::vector<header> fields;
        const auto view = [](boost::beast::string_view s) { return std::string_view{s.data(), s.size()}; };
        for (const auto& f : c.asked_) fields.push_back({view(f.name_string()), view(f.value())});
        error_code gone;
        c.look_up_remote(gone);
        if (gone) return c.cut(errc::lost);
        request r{view(c.asked_.method_string()), view(c.asked_.target()), fields, c.remote_};
        r.secure = core_->options.secure;
        if (r.target.empty())
            return c.answer(compose(refusal_response(refusal_of(errc::bad_handshake))), errc::bad_handshake);
        if (!wants_websocket(r) || r.method == "HEAD") {
            response out;
            if (!sink_.http(r, out))
                out = refusal_response(r.method == "GET" ? refusal_of(errc::upgrade_required)
                                                         : ending{404, 0, "Not Found"});
            return c.answer(compose(out, r.method == "HEAD"), errc::closed);
        }
        c.step_ = step::opening;
        const auto wrong = check_upgrade(r, c.asked_.version() == 11, {});
        if (wrong != errc::ok) return c.refuse(refusal_of(wrong));
        sink_.opening(c, r);
        if (c.step_ == step::opening && !c.held_) c.refuse({500, 0, "Not Admitted"});
    }

    void remove(Connection& c) {
        c.close_socket();
        connections_.back()->index_ = c.index_;
        std::swap(connections_[c.index_], connections_.back());
        connections_.pop_back(); // a connection with pending handlers lives on in them
    }

    void arm(time_point t) {
        if (t >= armed_) return;
        armed_ = t;
        timer_.expires_at(clock_.real(t));
        timer_.async_wait([this, core = core_](error_code ec) {
            if (ec || core->engine == nullptr) return;
            armed_ = time_point::max();
            turn();
        });
    }

    std::shared_ptr<place> place_;
    Sink& sink_;
    loop_clock& clock_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<core> core_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::function<void()> stopped_;
    time_point drain_until_ = time_point::max(), armed_ = time_point::max(), due_ = time_point::max();
    bool listening_ = false, stopping_ = false;
};

static_assert(Transport<transport::beast<>>);

using transport::beast;

} // namespace sigfire::inline v0_1
