// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/asio/deadline_timer.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/rpc/detail/rpc_session.hpp>
#include <sigfire/rpc/options.hpp>
#include <sigfire/text/utf8.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace sigfire::inline v0_1 {

namespace detail {

/// A party that waits for the reply to a call. `settle` is called at most once.
class rpc_waiter {
public:
    virtual ~rpc_waiter() = default;
    /// `why` is empty if there is a reply.
    virtual void settle(error_code why, rpc_reply reply) = 0;
};

class rpc_core;

/// Sends the result of a command to the connection of its call, if that connection still exists.
class rpc_answer {
public:
    rpc_answer(std::weak_ptr<rpc_core> core, std::uint64_t connection, json::value id)
        : core_{std::move(core)}, connection_{connection}, id_{std::move(id)} {}

    void result(std::optional<json::value> v) { say(rpc_succeeded(id_, std::move(v))); }
    void failure(std::string_view text) { say(rpc_failed(id_, text)); }

private:
    inline void say(const json::value& reply);

    std::weak_ptr<rpc_core> core_;
    std::uint64_t connection_;
    json::value id_;
};

/** The state that an `rpc` shares with its operations and the commands in progress. Handlers are posted, so
 *  no user code runs inside. Input is handled in the order of arrival. One thread at a time.
 *
 *  Longer than other headers, because the life of a connection is in one place, from open to end. */
class rpc_core final : public std::enable_shared_from_this<rpc_core> {
    using kind = boost::asio::cancellation_type;
    using local = boost::asio::local::stream_protocol;
    using stream = boost::asio::generic::stream_protocol;
    using waiter = std::unique_ptr<rpc_waiter>;

    static auto settle(error_code why) {
        return [why](waiter w) { w->settle(why, {}); };
    }

public:
    /// Returns false if the arguments do not fit.
    using event_handler = std::function<bool(const json::array& args)>;
    using command_handler = std::function<void(const json::array& args, rpc_answer answer)>;
    using other_handler = std::function<void(json::value)>;

    rpc_core(boost::asio::any_io_executor executor, rpc_options options)
        : executor_{std::move(executor)}, options_{options}, socket_{executor_}, acceptor_{executor_},
          timer_{executor_} {}

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    bool online() const noexcept { return phase_ == phase::online; }

    std::map<std::string, event_handler, std::less<>> events;
    std::map<std::string, command_handler, std::less<>> commands;
    other_handler other;

    /// The `rpc` is being destroyed: aborts all operations, and no operation starts any more.
    void abandon() {
        gone_ = true;
        events.clear(), commands.clear(), other = nullptr;
        end(boost::asio::error::operation_aborted);
    }

    void connect(const std::string& path, completion<error_code> done) {
        error_code ec;
        const auto at = endpoint(path, ec);
        if (ec || !may_open(ec)) return done.complete(ec);
        opening(std::move(done));
        socket_.async_connect(stream::endpoint{at},
                              [self = shared_from_this(), n = connection_](error_code e) {
                                  if (self->is_opening(n)) e ? self->end(e) : self->opened();
                              });
    }

    void accept(const std::string& path, completion<error_code> done) {
        error_code ec;
        const auto at = endpoint(path, ec);
        if (ec || !may_open(ec)) return done.complete(ec);
        acceptor_.open(at.protocol(), ec);
        if (!ec) acceptor_.bind(at, ec);
        if (!ec) path_ = path;
        if (!ec) acceptor_.listen(1, ec);
        if (ec) return unlisten(), done.complete(ec);
        opening(std::move(done));
        acceptor_.async_accept(
            executor_, [self = shared_from_this(), n = connection_](error_code e, local::socket peer) {
                if (!self->is_opening(n)) return;
                self->unlisten();
                if (!e) self->socket_ = std::move(peer);
                e ? self->end(e) : self->opened();
            });
    }

    error_code adopt(int fd) {
        error_code ec;
        if (!may_open(ec)) return ec;
        int type = 0;
        ::sockaddr_storage address{};
        ::socklen_t size = sizeof type, space = sizeof address;
        // An unconnected socket would only fail at the first read.
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
            ::getpeername(fd, reinterpret_cast<::sockaddr*>(&address), &space) != 0)
            return {errno, boost::system::system_category()};
        if (type != SOCK_STREAM) return boost::asio::error::socket_type_not_supported;
        socket_.assign(stream{address.ss_family, 0}, fd, ec);
        if (ec) return ec;
        ::fcntl(fd, F_SETFD, FD_CLOEXEC); // child processes do not inherit the socket
        opening({});
        opened();
        return {};
    }

    /// `on_cancel(f)` stores `f` for a cancellation by the caller.
    template <class OnCancel>
    void call(std::string_view name, json::array args, waiter w, OnCancel on_cancel) {
        if (gone_) return w->settle(boost::asio::error::operation_aborted, {});
        if (session_.calls.size() >= options_.calls)
            return w->settle(online() ? errc::full : errc::not_connected, {});
        const auto number = ++last_;
        if (const auto e = say(rpc_command(number, name, std::move(args))); e != errc::ok)
            return w->settle(e, {});
        on_cancel([weak = weak_from_this(), number] {
            if (const auto self = weak.lock())
                self->session_.calls.forget(number, settle(boost::asio::error::operation_aborted));
        });
        session_.calls.wait(number, std::move(w), clock::now() + options_.call_timeout);
        arm();
    }

    /// Sends an event or a call.
    errc say(const json::value& v) {
        if (!online()) return errc::not_connected;
        if (waiting_bytes() > options_.outbox) return errc::full;
        return write(v);
    }

    /// Sends the reply to a command, or a failure if the reply cannot be sent.
    void answer(std::uint64_t connection, const json::value& id, const json::value& reply) {
        if (connection != connection_) return;
        --serving_;
        if (!online()) return;
        if (const auto e = write(reply); e != errc::ok) write(rpc_failed(id, to_string(e)));
        if (waiting_bytes() > 2 * options_.outbox) end(errc::slow_consumer);
    }

    void wait(completion<error_code> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted);
        if (phase_ == phase::idle) return done.complete(cause_);
        const auto number = ++last_;
        on_cancel(done, kind::terminal | kind::partial | kind::total, [number](rpc_core& c) {
            if (auto at = c.watchers_.extract(number))
                at.mapped().complete(boost::asio::error::operation_aborted);
        });
        watchers_.emplace_hint(watchers_.end(), number, std::move(done));
    }

    void close(completion<error_code> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted);
        if (phase_ == phase::idle) return done.complete(errc::not_connected);
        const auto number = ++last_;
        on_cancel(done, kind::terminal | kind::partial, [number](rpc_core& c) {
            if (c.closers_.contains(number)) c.end(boost::asio::error::operation_aborted);
        });
        closers_.emplace_hint(closers_.end(), number, std::move(done));
        if (phase_ == phase::closing) return;
        if (phase_ == phase::opening) return end(errc::closed);
        phase_ = phase::closing;
        close_by_ = clock::now() + options_.close_timeout;
        arm();
        send();
    }

private:
    enum class phase : unsigned char { idle, opening, online, closing };

    template <class F>
    void on_cancel(const completion<error_code>& done, kind kinds, F f) {
        done.on_cancel(kinds, [weak = weak_from_this(), f] {
            if (const auto self = weak.lock()) f(*self);
        });
    }

    // The address type would throw.
    static local::endpoint endpoint(const std::string& path, error_code& ec) {
        if (path.empty()) ec = boost::asio::error::invalid_argument;
        if (path.size() > 107) ec = boost::asio::error::name_too_long;
        return ec ? local::endpoint{} : local::endpoint{path};
    }

    bool may_open(error_code& ec) const {
        if (gone_)
            ec = boost::asio::error::operation_aborted;
        else if (phase_ != phase::idle)
            ec = boost::asio::error::already_connected;
        return !ec;
    }

    void opening(completion<error_code> done) {
        const auto number = connection_ = ++last_;
        session_ = {}, framing_ = {};
        out_.clear(), serving_ = 0;
        phase_ = phase::opening;
        open_ = std::move(done);
        if (open_)
            on_cancel(open_, kind::terminal | kind::partial, [number](rpc_core& c) {
                if (c.is_opening(number)) c.end(boost::asio::error::operation_aborted);
            });
    }

    bool is_opening(std::uint64_t n) const { return connection_ == n && phase_ == phase::opening; }

    void opened() {
        phase_ = phase::online;
        if (open_) std::exchange(open_, {}).complete({});
        read();
    }

    void unlisten() {
        error_code ignored;
        acceptor_.close(ignored);
        if (!path_.empty()) std::remove(std::exchange(path_, {}).c_str());
    }

    // --- output ---

    std::size_t waiting_bytes() const noexcept { return out_.size() + (sending_ ? sending_->size() : 0); }

    errc write(const json::value& v) {
        const auto text = json::serialize(v);
        if (text.size() > options_.message) return errc::too_large;
        if (!is_utf8(text)) return errc::malformed;
        const auto start = out_.size(), head = framing_.header_bound(text.size());
        out_.resize(start + head + text.size());
        const auto p = out_.data() + start;
        std::memcpy(p + head, text.data(), text.size());
        out_.resize(start + framing_.seal(message_type::text, p, head, text.size()));
        send();
        return errc::ok;
    }

    void send() {
        if (sending_) return;
        if (out_.empty()) {
            error_code ignored;
            if (phase_ == phase::closing) socket_.shutdown(socket_.shutdown_send, ignored);
            return;
        }
        // Shared, because a new connection may be open when the write ends.
        sending_ = std::make_shared<std::string>(std::move(out_));
        out_.clear();
        boost::asio::async_write(
            socket_, boost::asio::buffer(*sending_),
            [self = shared_from_this(), n = connection_, bytes = sending_](error_code ec, std::size_t) {
                if (self->connection_ != n || self->phase_ == phase::idle) return;
                self->sending_.reset();
                // The reader reports the cause, after the messages that arrived before.
                if (!ec) self->send();
            });
    }

    // --- input ---

    void read() {
        socket_.async_read_some(boost::asio::buffer(buffer_), [self = shared_from_this(), n = connection_](
                                                                  error_code ec, std::size_t size) {
            if (self->connection_ != n || self->phase_ == phase::idle) return;
            if (ec) return self->broken(ec);
            const auto e =
                self->framing_.feed({self->buffer_.data(), size},
                                    {self->options_.message, self->options_.idle_lines, true}, *self);
            if (e.error != errc::ok) return self->end(e.error);
            if (self->phase_ != phase::idle) self->read();
        });
    }

    friend class framing::line;

    bool on_message(message m) {
        const auto e = session_.received(m, *this);
        if (e != errc::ok) end(e);
        return e == errc::ok;
    }

    template <class>
    friend class rpc_session;

    // Calls f(*this) later, in order, unless the rpc has been destroyed.
    template <class F>
    void later(F f) {
        boost::asio::post(executor_, [self = shared_from_this(), f = std::move(f)]() mutable {
            if (!self->gone_) f(*self);
        });
    }

    // Each function calls a copy, because a handler may replace itself.
    void on_event(json::value v) {
        later([v = std::move(v)](rpc_core& c) mutable {
            using session = rpc_session<waiter>;
            const auto at = c.events.find(session::event_name(v));
            if (at != c.events.end())
                if (const auto f = at->second; f(session::event_arguments(v))) return;
            c.nobody_took(std::move(v));
        });
    }

    void on_command(json::value id, std::string name, json::array args) {
        later([n = connection_, id = std::move(id), name = std::move(name),
               args = std::move(args)](rpc_core& c) {
            if (n == c.connection_) ++c.serving_;
            rpc_answer answer{c.weak_from_this(), n, id};
            const auto at = c.commands.find(name);
            if (at == c.commands.end()) return answer.failure(std::string{rpc_no_command} + name + '\'');
            if (n == c.connection_ && c.serving_ > c.options_.commands)
                return answer.failure(to_string(errc::rate));
            const auto f = at->second;
            f(args, std::move(answer));
        });
    }

    void on_reply(waiter w, rpc_reply reply) { w->settle({}, std::move(reply)); }

    void on_other(json::value v) {
        later([v = std::move(v)](rpc_core& c) mutable { c.nobody_took(std::move(v)); });
    }

    void nobody_took(json::value v) {
        if (const auto f = other) f(std::move(v));
    }

    // --- the end of a connection ---

    void broken(error_code ec) {
        namespace error = boost::asio::error;
        if (ec == error::eof && framing_.incomplete() == 0) return end(errc::closed);
        if (ec == error::eof || ec == error::connection_reset || ec == error::broken_pipe ||
            ec == error::connection_aborted)
            ec = errc::lost;
        end(ec);
    }

    void end(error_code why) {
        if (phase_ == phase::idle) return;
        phase_ = phase::idle;
        cause_ = why;
        error_code ignored;
        socket_.close(ignored);
        unlisten();
        sending_.reset();
        timer_.cancel();
        close_by_ = time_point::max();
        if (open_) std::exchange(open_, {}).complete(why);
        session_.calls.expire(time_point::max(), settle(why));
        for (auto& [number, done] : std::exchange(watchers_, {})) done.complete(why);
        for (auto& [number, done] : std::exchange(closers_, {}))
            done.complete(why == errc::closed ? error_code{} : why);
    }

    void arm() { timer_.arm(std::min(close_by_, session_.calls.deadline()), weak_from_this()); }

    friend class deadline_timer;

    void tick(time_point now) {
        if (phase_ == phase::idle) return;
        session_.calls.expire(now, settle(errc::request_timeout));
        if (now >= close_by_) return end(errc::close_timeout);
        arm();
    }

    boost::asio::any_io_executor executor_;
    rpc_options options_;
    stream::socket socket_;
    local::acceptor acceptor_;
    deadline_timer timer_;
    framing::line framing_;
    rpc_session<waiter> session_;
    completion<error_code> open_;
    // Waiting operations by number, in order of their start.
    std::map<std::uint64_t, completion<error_code>> watchers_, closers_;
    std::string out_;                         // waits to be written
    std::shared_ptr<std::string> sending_;    // is being written
    std::string path_;                        // path of the listening socket
    error_code cause_ = errc::not_connected;  // while idle: why there is no connection
    time_point close_by_ = time_point::max(); // deadline of a close
    std::uint64_t last_ = 0;                  // last number drawn
    std::uint64_t connection_ = 0;            // number of this connection
    std::size_t serving_ = 0;                 // commands in progress
    phase phase_ = phase::idle;
    bool gone_ = false;
    std::array<char, 16384> buffer_;
};

inline void rpc_answer::say(const json::value& reply) {
    if (const auto core = core_.lock()) core->answer(connection_, id_, reply);
}

} // namespace detail

} // namespace sigfire::inline v0_1
