// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/asio/deadline_timer.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/http/http_link.hpp>
#include <sigfire/net/http/http_message.hpp>
#include <sigfire/net/http/http_pool.hpp>
#include <sigfire/net/http/http_proxies.hpp>
#include <sigfire/net/http/http_rules.hpp>
#include <sigfire/net/http/http_url.hpp>
#include <sigfire/net/tls/tls_context.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

namespace detail {

class http_core : public std::enable_shared_from_this<http_core> {
    using request = http_link::request;

    // Defined first, since its return type is deduced.
    auto closing() {
        return [this](std::uint64_t id) { drop(id); };
    }

public:
    using completion_type = completion<error_code, http_answer>;

    http_core(boost::asio::any_io_executor executor, http_client_options options)
        : executor_{std::move(executor)}, options_{std::move(options)},
          rules_{options_.proxies ? *options_.proxies
                                  : proxies_from([](const char* n) { return std::getenv(n); })},
          pool_{{options_.connections, options_.connections_per_origin, options_.waiting}},
          tls_{make_context(TLS_client_method()).release()}, timer_{executor_} {
        if (options_.connections == 0 || options_.connections_per_origin == 0)
            throw std::invalid_argument{"sigfire: an http_client needs at least one connection"};
        verify_servers(tls_.native_handle(), options_.ca, options_.verify);
    }

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    std::size_t connections() const noexcept { return pool_.connections(); }
    std::size_t pending() const noexcept { return calls_.size(); }

    void start(completion_type done, http_request& asked) {
        if (abandoned_) return done.complete(boost::asio::error::operation_aborted, {});
        auto url = parse_http_url(asked.url);
        if (!url) return done.complete(url.error(), {});
        const auto* const proxy = rules_.of(*url);
        auto text = compose(asked, *url, proxy);
        if (!text) return done.complete(text.error(), {});
        const auto n = ++last_;
        if (!pool_.submit(n, url->origin())) return done.complete(errc::full, {});
        done.on_cancel(boost::asio::cancellation_type::terminal | boost::asio::cancellation_type::partial |
                           boost::asio::cancellation_type::total,
                       [core = weak_from_this(), n] {
                           if (const auto self = core.lock())
                               self->fail(n, boost::asio::error::operation_aborted);
                       });
        const http_time_limits limits{options_.connect_timeout, options_.response_timeout, options_.timeout};
        calls_.emplace(n, call{std::move(*text), std::move(done), std::move(*url), proxy,
                               http_attempt{limits, asked.idempotent.value_or(is_idempotent(asked.method)),
                                            clock::now()}});
        run();
    }

    /// Called by the timer.
    void tick(time_point now) {
        std::vector<std::pair<std::uint64_t, errc>> late;
        for (const auto& [n, c] : calls_)
            if (const auto why = c.attempt.expired(now); why != errc::ok) late.emplace_back(n, why);
        for (const auto& [n, why] : late) fail(n, why);
        pool_.expire(now, closing());
        run();
    }

    void close_idle() {
        pool_.expire(time_point::max(), closing());
        arm();
    }

    void abandon() {
        abandoned_ = true;
        timer_.cancel();
        for (auto& [n, link] : std::exchange(links_, {})) link->cancel();
        for (auto& [n, c] : std::exchange(calls_, {}))
            c.done.complete(boost::asio::error::operation_aborted, {});
    }

private:
    struct call {
        request asked;
        completion_type done;
        http_url url;
        const http_proxy* proxy;
        http_attempt attempt;
        std::uint64_t link = 0; // 0 = none yet
    };

    static result<request> compose(http_request& asked, const http_url& url, const http_proxy* proxy) {
        const auto bad = make_error_code(errc::malformed);
        if (!is_http_token(asked.method) || asked.method == "CONNECT" || !is_field_value(asked.content_type))
            return bad;
        request r;
        r.version(11);
        r.method_string(asked.method);
        const bool absolute = proxy != nullptr && !url.secure; // RFC 9112, 3.2.2
        r.target(absolute ? "http://" + url.authority() + url.target : url.target);
        r.set("Host", url.authority());
        r.set("User-Agent", "sigfire");
        r.set("Accept-Encoding", "identity");
        if (absolute && !proxy->credentials.empty()) r.set("Proxy-Authorization", proxy->credentials);
        if (!asked.content_type.empty()) r.set("Content-Type", asked.content_type);
        for (const auto& [name, value] : asked.headers) {
            if (!is_http_token(name) || !is_field_value(value) ||
                equal_ignoring_case(name, "Content-Length") || equal_ignoring_case(name, "Transfer-Encoding"))
                return bad;
            r.set(name, value);
        }
        r.body() = std::move(asked.body);
        if (!r.body().empty() || !is_idempotent(asked.method) || asked.method == "PUT")
            r.content_length(r.body().size());
        return r;
    }

    void run() {
        pool_.assign(
            [this](std::uint64_t n, std::uint64_t link, bool fresh) {
                auto& c = calls_.at(n);
                c.link = link;
                if (fresh)
                    open(n, c);
                else
                    exchange(n, c, true);
            },
            closing());
        arm();
    }

    void open(std::uint64_t n, call& c) {
        const auto link = std::make_shared<http_link>(executor_, options_.header, options_.body);
        links_.emplace(c.link, link);
        c.attempt.connecting(clock::now());
        http_route to{c.url.host, std::to_string(c.url.port)};
        if (c.proxy != nullptr) {
            if (c.url.secure) {
                to.tunnel = c.url.host_and_port();
                to.credentials = c.proxy->credentials;
            }
            to.host = c.proxy->host;
            to.port = std::to_string(c.proxy->port);
        }
        if (c.url.secure) to.tls_name = c.url.host;
        link->open(to, &tls_,
                   [core = weak_from_this(), n, id = c.link](error_code ec, const std::string& why) {
                       const auto self = core.lock();
                       if (!self || !self->links_.contains(id)) return;
                       if (ec == errc::tls_failed && self->options_.on_tls_failure)
                           self->options_.on_tls_failure(why);
                       if (ec) return self->fail(n, ec);
                       self->exchange(n, self->calls_.at(n), false);
                       self->arm();
                   });
    }

    void exchange(std::uint64_t n, call& c, bool reused) {
        c.attempt.sending(clock::now(), reused);
        links_.at(c.link)->exchange(c.asked,
                                    [core = weak_from_this(), n, id = c.link](http_link::outcome out) {
                                        const auto self = core.lock();
                                        if (self && self->links_.contains(id))
                                            self->exchanged(n, id, std::move(out));
                                    });
    }

    void exchanged(std::uint64_t n, std::uint64_t id, http_link::outcome out) {
        auto& c = calls_.at(n);
        if (out.failed) {
            if (!c.attempt.retries(out.begun)) return fail(n, out.failed);
            drop(id);
            c.link = 0;
            pool_.retry(n, c.url.origin());
            return run();
        }
        http_answer answer;
        answer.status = out.answer.result_int();
        for (const auto& f : out.answer) answer.headers.emplace_back(f.name_string(), f.value());
        answer.body = std::move(out.answer.body());
        const auto rest = idle_time(answer["Keep-Alive"], options_.idle);
        if (out.kept && rest.count() > 0) {
            pool_.idle(id, clock::now() + rest);
            links_.at(id)->watch([core = weak_from_this(), id] {
                if (const auto self = core.lock()) {
                    self->drop(id);
                    self->run();
                }
            });
        } else {
            drop(id);
        }
        finish(n, {}, std::move(answer));
    }

    void fail(std::uint64_t n, error_code why) {
        const auto c = calls_.find(n);
        if (c == calls_.end()) return;
        if (c->second.link == 0)
            pool_.withdraw(n);
        else
            drop(c->second.link);
        finish(n, why, {});
    }

    void finish(std::uint64_t n, error_code why, http_answer answer) {
        auto c = calls_.extract(n);
        c.mapped().done.complete(why, std::move(answer));
        run();
    }

    // Closes a connection.
    void drop(std::uint64_t id) {
        pool_.gone(id);
        if (auto link = links_.extract(id)) link.mapped()->cancel();
    }

    void arm() {
        auto due = pool_.deadline();
        for (const auto& [n, c] : calls_) due = std::min(due, c.attempt.deadline());
        if (due == time_point::max())
            timer_.cancel(); // an armed timer would keep the loop busy
        else
            timer_.arm(due, weak_from_this());
    }

    boost::asio::any_io_executor executor_;
    http_client_options options_;
    http_proxy_rules rules_;
    http_pool pool_;
    boost::asio::ssl::context tls_;
    deadline_timer timer_;
    std::map<std::uint64_t, call> calls_;
    std::map<std::uint64_t, std::shared_ptr<http_link>> links_;
    std::uint64_t last_ = 0;
    bool abandoned_ = false;
};

} // namespace detail

/** Sends HTTP/1.1 requests and keeps connections for later ones.
 *
 *      sigfire::http_client web{io};
 *      sigfire::http_request r{.url = "https://example.org/keys.json"};
 *      const sigfire::http_answer a = co_await web.fetch(std::move(r));
 *
 *  A request waits if all connections are in use: see `http_client_options`. The server's certificate must
 *  be trusted and hold for the host of the URL; TLS is 1.2 or newer. The client follows no redirection: the
 *  answer has its status. If a kept connection ends before the first byte of an answer, the client sends an
 *  idempotent request once more on a new connection.
 *
 *  A request may be cancelled; its connection then closes. Destroying the client cancels all requests: they
 *  complete with `operation_aborted`. A kept connection keeps the execution context busy until it closes.
 *
 *  Thread safety: none. If several threads run the io_context, give the client a strand, and use it there
 *  only. Needs OpenSSL 3 (CMake target `sigfire::tls`). */
class http_client {
public:
    /// The executor of the client: any Asio executor.
    using executor_type = boost::asio::any_io_executor;

    /// Makes a client with default options.
    explicit http_client(executor_type executor) : http_client{std::move(executor), http_client_options()} {}
    /** Makes a client with `options`.
     *  @throws std::invalid_argument if a proxy is not an HTTP proxy, or a number of connections is 0
     *  @throws std::runtime_error if the CAs cannot be used; the text has the reason */
    http_client(executor_type executor, http_client_options options)
        : core_{std::make_shared<detail::http_core>(std::move(executor), std::move(options))} {}
    /// Makes a client on the executor of an execution context, such as an `io_context`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    explicit http_client(Context& context) : http_client{executor_type{context.get_executor()}} {}
    /// The same with `options`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    http_client(Context& context, http_client_options options)
        : http_client{executor_type{context.get_executor()}, std::move(options)} {}

    http_client(http_client&&) noexcept = default; ///< Afterwards, the source can only be destroyed.
    /// Not copyable.
    http_client& operator=(const http_client&) = delete;
    /// Cancels all requests.
    ~http_client() {
        if (core_) core_->abandon();
    }

    /// The executor that the client was made with.
    executor_type get_executor() const { return core_->executor(); }

    /** Sends `r`, and completes with the answer, of any status. Never completes inside this call. Errors:
     *  - `bad_url`; `malformed`: method, content type or a header field would break the request
     *  - `full`: `http_client_options::waiting` requests wait already
     *  - `connect_timeout`, `proxy_refused`, `tls_failed`; errors of the operating system unchanged
     *  - `request_timeout`: `response_timeout` or `timeout` has passed
     *  - `header_too_large`, `too_large`: the answer is over its limit
     *  - `lost`: the connection ended before the answer; `protocol_violation`: the answer is not HTTP
     *  - `operation_aborted`: cancelled */
    template <class Token = boost::asio::deferred_t>
        requires boost::asio::completion_token_for<Token, void(error_code, http_answer)>
    [[nodiscard]] auto fetch(http_request r, Token&& token = Token{}) {
        return boost::asio::async_initiate<Token, void(error_code, http_answer)>(
            [core = core_](auto handler, http_request asked) {
                core->start(detail::http_core::completion_type{std::move(handler), core->executor()}, asked);
            },
            token, std::move(r));
    }

    /// Closes the connections that no request uses.
    void close_idle() { core_->close_idle(); }
    /// Number of connections, in use or idle.
    std::size_t connections() const noexcept { return core_->connections(); }
    /// Number of requests without an answer yet.
    std::size_t pending() const noexcept { return core_->pending(); }

private:
    std::shared_ptr<detail::http_core> core_;
};

} // namespace sigfire::inline v0_1
