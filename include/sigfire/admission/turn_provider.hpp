// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/admission/detail/failure_report.hpp>
#include <sigfire/admission/detail/ice_source.hpp>
#include <sigfire/admission/turn.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/net/http_client.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `turn_provider`.
struct turn_provider_options {
    http_request request; ///< request for credentials, with the headers that the service wants
    std::chrono::milliseconds life{3'600'000}; ///< life of an answer without `ttl`, in milliseconds
    /// Time in which other peers get the same answer, in milliseconds; at most half of its life. 0 = only
    /// those that wait for it.
    std::chrono::milliseconds share{60'000};
    std::chrono::milliseconds pause{5'000}; ///< time without questions after a failure, in milliseconds
    std::size_t waiting = 1'000;            ///< most peers that wait for an answer; others do not wait
    ice_policy policy = ice_policy::any;    ///< which connections between peers are allowed
    /// Called when the service begins to fail, and then once a minute: the reason, and the number of failures
    /// since the last call.
    std::function<void(std::string_view why, std::uint64_t failures)> on_failure{};
};

/** Gives each peer an RTC configuration from a service on the web. Models Hook. It stands after the hooks
 *  that decide ids.
 *
 *  The service answers with status 200 and a JSON object: `iceServers` (a list or one object), or `username`,
 *  `password` and `uris`; `ttl` is the life in seconds. With the feature `rtc_refresh`, a peer gets a new
 *  configuration in time. If the service fails, the peer gets the last one while it is valid, and else the
 *  codec's own. The hook refuses nobody.
 *
 *  One question serves all peers that wait. One thread: that of the server and the client. Copies share their
 *  state. Needs OpenSSL 3 (CMake target `sigfire::tls`). */
class turn_provider {
public:
    /// Takes the client and the settings.
    /// @throws std::invalid_argument if there is no client, or a time is out of range
    turn_provider(std::shared_ptr<http_client> web, turn_provider_options options)
        : core_{std::make_shared<core>(std::move(web), std::move(options))} {}

    /// Sets the RTC configuration if it is known; else `deferred`.
    errc on_admit(const request&, admission& a) {
        if (!a.rtc_configuration.empty()) return errc::ok;
        auto known = core_->source.look(clock::now());
        if (!known) return errc::deferred;
        give(a, *std::move(known));
        return errc::ok;
    }

    /// Waits for the service.
    boost::asio::awaitable<errc> on_admit_deferred(const request&, admission& a) {
        // Variables: g++ 12 destroys such temporaries of a `co_await` expression twice.
        auto start = [shared = core_](auto handler) {
            core::wait(shared, {std::move(handler), shared->web->get_executor()});
        };
        auto waits = boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(rtc_lease)>(
            std::move(start), boost::asio::use_awaitable);
        auto made = co_await std::move(waits);
        give(a, std::move(made));
        co_return errc::ok;
    }

private:
    struct core {
        core(std::shared_ptr<http_client> client, turn_provider_options o)
            : web{std::move(client)}, options{std::move(o)},
              source{{options.share, options.pause}, options.waiting} {
            if (!web) throw std::invalid_argument{"sigfire: turn_provider needs an http_client"};
            if (options.life.count() <= 0 || options.share.count() < 0 || options.pause.count() < 0)
                throw std::invalid_argument{
                    "sigfire: turn_provider: life must be above 0, share and pause not below"};
        }

        // Ends `done` when the answer comes.
        static void wait(const std::shared_ptr<core>& self, detail::completion<rtc_lease> done) {
            const auto held = std::make_shared<detail::completion<rtc_lease>>(std::move(done));
            const auto n = std::make_shared<std::uint64_t>();
            held->on_cancel(boost::asio::cancellation_type::terminal |
                                boost::asio::cancellation_type::partial |
                                boost::asio::cancellation_type::total,
                            [weak = std::weak_ptr{self}, held, n] {
                                if (const auto alive = weak.lock()) alive->source.forget(*n);
                                if (*held) held->complete({});
                            });
            ask(
                self,
                [held](rtc_lease made) {
                    if (*held) held->complete(std::move(made));
                },
                n.get());
        }

        static void ask(const std::shared_ptr<core>& self, detail::ice_source::waiter w,
                        std::uint64_t* number = nullptr) {
            bool question = false;
            const auto n = self->source.wait(std::move(w), question);
            if (number != nullptr) *number = n;
            if (!question) return;
            self->web->fetch(self->options.request,
                             [weak = std::weak_ptr{self}](error_code ec, const http_answer& a) {
                                 if (const auto alive = weak.lock()) alive->take(ec, a);
                             });
        }

        void take(error_code ec, const http_answer& answer) {
            auto why = detail::failure_of(ec, answer);
            rtc_lease made;
            if (why.empty()) {
                auto read = detail::read_ice_answer(answer.body, options.life,
                                                    options.policy == ice_policy::relay ? "relay" : "");
                if (read)
                    made = *std::move(read);
                else
                    why = "the answer is not JSON with iceServers, or with username, password and uris";
            }
            const auto now = clock::now();
            if (why.empty())
                report.worked();
            else if (const auto n = report.failed(now); n && options.on_failure)
                options.on_failure(why, *n);
            source.answered(std::move(made), now);
        }

        std::shared_ptr<http_client> web;
        turn_provider_options options;
        detail::ice_source source;
        detail::failure_report report;
    };

    void give(admission& a, rtc_lease made) {
        if (made.configuration.empty()) return;
        a.rtc_configuration = std::move(made.configuration);
        if (made.life.count() == 0) return;
        a.attached.put(
            rtc_renewal{made.life, [shared = core_](std::string_view, std::function<void(rtc_lease)> done) {
                            // Another peer's question may be under way, or its answer still fresh.
                            if (auto known = shared->source.look(clock::now(), true))
                                done(*std::move(known));
                            else
                                core::ask(shared, std::move(done));
                        }});
    }

    std::shared_ptr<core> core_;
};

} // namespace sigfire::inline v0_1
