// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/admission/detail/failure_report.hpp>
#include <sigfire/admission/detail/jwks_cache.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/asio/deadline_timer.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/http_client.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `jwks`. All times are in milliseconds.
struct jwks_options {
    std::string url; ///< URL of the JWK Set, `https://` or, on a trusted network, `http://`
    std::chrono::milliseconds life{300'000};         ///< life of an answer without `Cache-Control: max-age`
    std::chrono::milliseconds shortest_life{30'000}; ///< shortest life, whatever the server says
    std::chrono::milliseconds longest_life{86'400'000}; ///< longest life, whatever the server says
    /// Time after its life in which a key set still serves, while the server fails.
    std::chrono::milliseconds stale{86'400'000};
    std::chrono::milliseconds pause{10'000}; ///< shortest time between two requests; it doubles with failures
    std::chrono::milliseconds unknown{
        60'000};                      ///< time in which a key that the set lacks is not asked for again
    std::size_t waiting = 1'000;      ///< most tokens that wait for a request; others get 503
    std::size_t unknown_keys = 1'000; ///< most unknown keys that are remembered
    /// Called when the server begins to fail, and then once a minute: the reason, and the number of failures
    /// since the last call.
    std::function<void(std::string_view why, std::uint64_t failures)> on_failure{};
};

namespace detail {

/// The life that the header of an answer says (RFC 9111): `max-age` less `Age`; 0 for `no-cache` and
/// `no-store`; empty if it says nothing.
inline std::optional<std::chrono::seconds> cache_life(std::string_view control, std::string_view age) {
    std::optional<std::chrono::seconds> out;
    any_in_list(control, [&](std::string_view item) {
        const auto name = trim(item.substr(0, item.find('=')));
        if (equal_ignoring_case(name, "no-cache") || equal_ignoring_case(name, "no-store")) {
            out = std::chrono::seconds{0};
            return true;
        }
        if (item.find('=') == item.npos || !equal_ignoring_case(name, "max-age")) return false;
        auto text = trim(item.substr(item.find('=') + 1));
        if (text.size() > 1 && text.starts_with('"') && text.ends_with('"'))
            text = text.substr(1, text.size() - 2);
        const auto n = short_number(text);
        if (n) out = std::chrono::seconds{*n};
        return false;
    });
    if (const auto old = short_number(trim(age)); out && old)
        out = std::max(std::chrono::seconds{0}, *out - std::chrono::seconds{*old});
    return out;
}

} // namespace detail

/** Fetches a JWK Set by HTTP. Models KeySource.
 *
 *      const sigfire::key_set keys;
 *      sigfire::jwks source{web, keys, {.url = "https://id.example.org/jwks.json"}};
 *      sigfire::jwt gate{sigfire::jwt_verifier{keys, {.issuers = {"https://id.example.org"}}}, source};
 *
 *  The first token, or a token with an unknown `kid`, makes a request; all tokens that come meanwhile share
 *  it. After its life, the set is fetched again, with `If-None-Match`: a key that the server has removed ends
 *  then. While the server fails, the old keys serve for `stale` more; then there are none.
 *
 *  A key that the set lacks is `unknown` for a while. Between two requests there is a pause; tokens with
 *  other keys get 503 meanwhile. So strangers cannot make the server ask all the time. The client follows no
 *  redirection. An answer needs status 200 and a JSON object with `keys`.
 *
 *  One thread: that of the server and the client. Copies share their state. A source that has asked once
 *  keeps the execution context busy until `stop`. Needs OpenSSL 3 (CMake target `sigfire::tls`). */
class jwks {
public:
    /** Takes the client, the keys of the verifier, and the settings.
     *  @throws std::invalid_argument if there is no client, the URL is wrong, or a time is out of range */
    jwks(std::shared_ptr<http_client> web, key_set keys, jwks_options options)
        : core_{std::make_shared<core>(std::move(web), std::move(keys), std::move(options))} {}

    /// Waits for the key `kid`: see KeySource. `overloaded` if the server fails
    /// or a pause is on.
    boost::asio::awaitable<errc> fetch(std::string kid) {
        const auto shared = core_;
        if (shared->keys.contains(kid)) co_return errc::ok;
        if (const auto known = shared->cache.look(kid, clock::now())) co_return *known;
        // Variables: g++ 12 destroys such temporaries of a `co_await` expression twice.
        auto start = [shared, key = kid](auto handler) {
            shared->wait(key, {std::move(handler), shared->web->get_executor()});
        };
        auto waits = boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(errc)>(
            std::move(start), boost::asio::use_awaitable);
        const auto cause = co_await std::move(waits);
        co_return cause;
    }

    /// The loop of the client, for renewals: see KeySource. It has to be an `io_context`.
    boost::asio::io_context& context() const {
        return static_cast<boost::asio::io_context&>(core_->web->get_executor().context());
    }

    /// Ends the refreshes: nothing keeps the execution context busy. The keys stay as they are.
    void stop() const {
        core_->stopped = true;
        core_->timer.cancel();
        core_->web->close_idle();
    }

private:
    struct core : std::enable_shared_from_this<core> {
        core(std::shared_ptr<http_client> client, key_set set, jwks_options o)
            : web{check(std::move(client), o)}, keys{std::move(set)}, options{std::move(o)},
              cache{{options.pause, options.stale, options.unknown, options.waiting, options.unknown_keys}},
              timer{web->get_executor()} {}

        static std::shared_ptr<http_client> check(std::shared_ptr<http_client> client,
                                                  const jwks_options& o) {
            const auto refuse = [](const char* why) {
                throw std::invalid_argument{std::string{"sigfire: jwks: "} + why};
            };
            if (!client) refuse("there is no http_client");
            if (!parse_url(o.url)) refuse("the URL must be https://HOST/PATH or http://HOST/PATH");
            if (o.life.count() <= 0 || o.shortest_life.count() <= 0 || o.longest_life < o.shortest_life ||
                o.pause.count() <= 0 || o.stale.count() < 0 || o.unknown.count() < 0)
                refuse("life, shortest_life and pause must be above 0, and longest_life not below "
                       "shortest_life");
            return client;
        }
        static bool parse_url(const std::string& url) { return detail::parse_http_url(url).has_value(); }

        void wait(const std::string& key, detail::completion<errc> done) {
            const auto held = std::make_shared<detail::completion<errc>>(std::move(done));
            const auto n = cache.wait(key, [held](errc cause) {
                if (*held) held->complete(cause);
            });
            held->on_cancel(boost::asio::cancellation_type::terminal |
                                boost::asio::cancellation_type::partial |
                                boost::asio::cancellation_type::total,
                            [weak = weak_from_this(), held, n] {
                                if (const auto self = weak.lock()) self->cache.forget(n);
                                if (*held) held->complete(errc::overloaded);
                            });
            tick(clock::now());
        }

        // Called by the timer too.
        void tick(time_point now) {
            if (cache.outdated(now)) {
                keys.replace_by_jwks(R"({"keys":[]})");
                etag.clear();
            }
            if (cache.begin(now)) ask();
            const auto due = cache.deadline();
            if (stopped || due == time_point::max())
                timer.cancel();
            else
                timer.arm(due, weak_from_this());
        }

        void ask() {
            http_request r;
            r.url = options.url;
            r.headers.emplace_back("Accept", "application/jwk-set+json, application/json");
            if (!etag.empty()) r.headers.emplace_back("If-None-Match", etag);
            web->fetch(std::move(r), [weak = weak_from_this()](error_code ec, const http_answer& a) {
                if (const auto self = weak.lock()) self->took(ec, a);
            });
        }

        void took(error_code ec, const http_answer& answer) {
            const bool unchanged = !ec && answer.status == 304 && !etag.empty();
            auto why = unchanged ? std::string{} : detail::failure_of(ec, answer);
            if (why.empty() && !unchanged && keys.replace_by_jwks(answer.body) != errc::ok)
                why = "the answer is not JSON with a member keys";
            const auto now = clock::now();
            if (!why.empty()) {
                if (const auto n = report.failed(now); n && options.on_failure) options.on_failure(why, *n);
                cache.failed(now);
            } else {
                report.worked();
                if (!unchanged) etag = answer["ETag"];
                const std::chrono::milliseconds said =
                    detail::cache_life(answer["Cache-Control"], answer["Age"])
                        .value_or(std::chrono::ceil<std::chrono::seconds>(options.life));
                cache.worked(now, std::clamp(said, options.shortest_life, options.longest_life),
                             [this](const std::string& key) { return keys.contains(key); });
            }
            tick(now);
            if (stopped) web->close_idle();
        }

        std::shared_ptr<http_client> web;
        key_set keys;
        jwks_options options;
        detail::jwks_cache cache;
        detail::deadline_timer timer;
        detail::failure_report report;
        std::string etag;
        bool stopped = false;
    };

    std::shared_ptr<core> core_;
};

} // namespace sigfire::inline v0_1
