// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/admission/detail/failure_report.hpp>
#include <sigfire/admission/detail/webhook_queue.hpp>
#include <sigfire/admission/detail/webhook_text.hpp>
#include <sigfire/admission/grants.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/asio/deadline_timer.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/http_client.hpp>
#include <sigfire/text/json/object.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `webhook`. All times are in milliseconds.
struct webhook_options {
    std::string url;        ///< URL of the service, `http://` or `https://`
    std::string secret;     ///< key of the signatures, shared with the service; not empty
    bool admit = true;      ///< whether the service is asked about each connection
    bool events = true;     ///< whether the service is told when peers connect and disconnect
    bool fail_open = false; ///< Whether a connection is admitted if the service fails. False: it gets status
                            ///< 503 or close code 4503.
    std::vector<std::string> headers{}; ///< header fields of the client's request that the question contains
    bool token = false; ///< Whether the question contains the client's token: `Authorization: Bearer`, or the
                        ///< query parameter `token`.
    std::size_t queue = 10'000;              ///< most events that wait; further ones are lost and counted
    std::size_t batch = 100;                 ///< most events in one request
    unsigned attempts = 8;                   ///< most attempts to send an event
    std::chrono::milliseconds back_off{500}; ///< longest pause after the first failed attempt; it doubles
    std::chrono::milliseconds longest_back_off{30'000}; ///< longest pause between two attempts
    /// Called when the service begins to fail, and then once a minute: the reason, and the number of failures
    /// since the last call.
    std::function<void(std::string_view why, std::uint64_t failures)> on_failure{};
};

/** Asks a service on the web about each connection, and tells it when peers connect and disconnect. Models
 *  Hook.
 *
 *  Each request is a `POST` with JSON, and with the header field `X-Sigfire-Signature: t=SECONDS,v1=HEX`: the
 *  HMAC-SHA256 of `SECONDS.BODY`. The service answers a question with status 200 and
 *  `{"allow":true}` or `{"allow":false}`, and more members: see docs/guide/webhook.md. Any other answer is a
 *  failure: late, too long, a redirection, another status, or other JSON. `fail_open` decides then.
 *
 *  `grants` of an answer becomes the note `grants` of the peer, for the policy `granted`; it replaces that of
 *  a token. Without it, the peer keeps the grants of its token, or else may do everything.
 *
 *  Events are sent in order, and again after a failure. The service can get an event twice, with the same
 *  number. The client's limits bound the questions; one more than they allow is a failure.
 *
 *  One thread: that of the server and the client. Copies share their state. Needs OpenSSL 3 (CMake target
 *  `sigfire::tls`). */
class webhook {
public:
    /** Takes the client and the settings.
     *  @throws std::invalid_argument if there is no client, the URL is wrong, the secret is empty, or a
     *  number is 0. The text has no secret. */
    webhook(std::shared_ptr<http_client> web, webhook_options options)
        : core_{std::make_shared<core>(std::move(web), std::move(options))} {}

    /// `deferred`, or `ok` if the service is not asked.
    errc on_admit(const request&, admission&) { return core_->options.admit ? errc::deferred : errc::ok; }

    /// Asks the service. Returns `ok`, `denied`, or `overloaded` after a failure.
    boost::asio::awaitable<errc> on_admit_deferred(const request& r, admission& a) {
        const auto shared = core_;
        auto asked =
            shared->sign(detail::webhook_question(r, a, shared->options.headers, shared->options.token));
        auto told = shared->web->fetch(std::move(asked), boost::asio::as_tuple(boost::asio::use_awaitable));
        auto [failed, answer] = co_await std::move(told);
        co_return shared->judge(failed, answer, a);
    }

    /// Tells the service that a peer is connected.
    void on_open(peer_handle peer, const admission& a) {
        if (!core_->options.events) return;
        core_->peers.insert_or_assign(peer.slot, presence{peer, a.id, clock::now()});
        detail::json_object e;
        e.text("event", "connect")
            .text("id", detail::json_safe(a.id))
            .text("remote", detail::json_safe(a.remote));
        core_->tell(std::move(e));
    }

    /// Tells the service that a peer is gone, with the cause and the seconds that it was there.
    void on_close(peer_handle peer, errc why) {
        const auto at = core_->peers.find(peer.slot);
        if (at == core_->peers.end() || at->second.peer != peer) return;
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(clock::now() - at->second.since);
        detail::json_object e;
        e.text("event", "disconnect")
            .text("id", detail::json_safe(at->second.id))
            .text("cause", cause_name(why))
            .number("seconds", static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds.count())));
        core_->peers.erase(at);
        core_->tell(std::move(e));
    }

    /// Sends the waiting events once more, without pauses, and then closes idle connections. Call it when the
    /// server stops: an event that waits for its next attempt keeps the execution context busy.
    void stop() const { core_->stop(); }

    /// Replaces the key of the signatures, for the next requests.
    /// @throws std::invalid_argument if it is empty
    void replace_secret(std::string secret) const {
        if (secret.empty()) throw std::invalid_argument{"sigfire: webhook: the secret is empty"};
        core_->options.secret = std::move(secret);
    }

    /// Number of events that wait.
    std::size_t waiting() const noexcept { return core_->queue.size(); }
    /// Number of events that are lost: without room, or after the last attempt.
    std::uint64_t lost() const noexcept { return core_->queue.lost(); }

private:
    struct presence {
        peer_handle peer;
        std::string id;
        time_point since;
    };
    struct core : std::enable_shared_from_this<core> {
        core(std::shared_ptr<http_client> client, webhook_options o)
            : web{check(std::move(client), o)}, options{std::move(o)},
              queue{{options.queue, options.batch, options.attempts, options.back_off,
                     options.longest_back_off}},
              timer{web->get_executor()}, source{detail::view(detail::id_source{}.draw())} {}

        static std::shared_ptr<http_client> check(std::shared_ptr<http_client> client,
                                                  const webhook_options& o) {
            const auto refuse = [](const char* why) {
                throw std::invalid_argument{std::string{"sigfire: webhook: "} + why};
            };
            if (!client) refuse("there is no http_client");
            if (!detail::parse_http_url(o.url))
                refuse("the URL must be http://HOST/PATH or https://HOST/PATH");
            if (o.secret.empty()) refuse("the secret is empty");
            for (const auto& name : o.headers)
                if (!detail::is_http_token(name)) refuse("headers must be names of header fields");
            if (o.batch == 0 || o.attempts == 0 || o.back_off.count() <= 0 || o.longest_back_off < o.back_off)
                refuse(
                    "batch, attempts and back_off must be above 0, and longest_back_off not below back_off");
            return client;
        }

        http_request sign(std::string body) const {
            const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                std::chrono::system_clock::now().time_since_epoch());
            http_request r;
            r.url = options.url;
            r.method = "POST";
            r.content_type = "application/json";
            r.headers.emplace_back("X-Sigfire-Signature",
                                   detail::webhook_signature(options.secret, now, body));
            r.body = std::move(body);
            r.idempotent = true; // a question changes nothing, and events have numbers
            return r;
        }

        errc judge(error_code failed, const http_answer& answer, admission& a) {
            if (failed == boost::asio::error::operation_aborted) return errc::denied; // nobody waits
            auto why = detail::failure_of(failed, answer);
            auto read = why.empty() ? detail::webhook_answer_reader::read(answer.body)
                                    : result<detail::webhook_answer>{make_error_code(errc::malformed)};
            if (why.empty() && !read) why = "the answer is not JSON with a right member allow";
            if (!note(why)) {
                if (options.fail_open) {
                    grant(a, {});
                    return errc::ok;
                }
                a.refused_as = refusal{503, 4503, "Try Again Later"};
                return errc::overloaded;
            }
            if (!read->allow) {
                a.refused_as = std::move(read->refused);
                return errc::denied;
            }
            auto& given = read->admitted;
            if (!given.id.empty()) {
                a.id = std::move(given.id);
                a.id_generated = false;
                a.id_verified = given.id_verified;
            }
            if (!given.metadata.empty()) {
                a.metadata = std::move(given.metadata);
                a.metadata_wire = default_wire;
            }
            if (!given.rtc_configuration.empty()) a.rtc_configuration = std::move(given.rtc_configuration);
            if (given.valid_for.count() != 0) a.valid_for = given.valid_for;
            grant(a, std::move(read->rights));
            return errc::ok;
        }

        // Without grants, a peer keeps those of its token, or else may do everything.
        static void grant(admission& a, std::optional<grants> given) {
            const auto* const before = a.attached.find<grants>();
            if (before != nullptr && !given) return;
            auto rights = std::move(given).value_or(grants{});
            if (before != nullptr) { // a fresh token of the same peer can still renew them
                rights.issuer = before->issuer;
                rights.subject = before->subject;
                rights.id = before->id;
                rights.token_id = before->token_id;
            }
            a.attached.put(std::move(rights));
        }

        // Notes the outcome of a request; an empty reason is a success. Returns whether it is one.
        bool note(std::string_view why) {
            if (why.empty())
                report.worked();
            else if (const auto n = report.failed(clock::now()); n && options.on_failure)
                options.on_failure(why, *n);
            return why.empty();
        }

        void tell(detail::json_object event) {
            const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::system_clock::now().time_since_epoch());
            event.number("time", static_cast<std::uint64_t>(now.count()));
            queue.push(event.take());
            send();
        }

        void tick(time_point) { send(); }

        void send() {
            if (const auto b = queue.take(clock::now())) {
                detail::json_object body;
                body.text("event", "peers").text("source", source).number("number", b->number);
                if (b->lost != 0) body.number("lost", b->lost);
                body.json("events", b->events);
                web->fetch(sign(body.take()), [weak = weak_from_this()](error_code ec, const http_answer& a) {
                    if (const auto self = weak.lock()) self->took(ec, a);
                });
            }
            const auto due = queue.deadline();
            if (due == time_point::max())
                timer.cancel();
            else
                timer.arm(due, weak_from_this());
        }

        void took(error_code ec, const http_answer& answer) {
            auto why = detail::failure_of(ec, answer);
            if (!ec && answer.status / 100 == 2) why.clear(); // an event needs no body in its answer
            if (note(why)) {
                queue.sent();
            } else {
                std::array<unsigned char, 1> drawn{};
                detail::random_bytes(drawn);
                const auto wish = std::min(answer.retry_after().value_or(std::chrono::seconds{0}),
                                           std::chrono::seconds{3600});
                queue.failed(clock::now(), drawn[0] / 255.0, wish);
            }
            send();
            if (stopped && queue.empty()) web->close_idle();
        }

        void stop() {
            stopped = true;
            queue.stop();
            send();
            if (queue.empty()) web->close_idle();
        }

        std::shared_ptr<http_client> web;
        webhook_options options;
        detail::webhook_queue queue;
        detail::deadline_timer timer;
        std::string source;
        detail::failure_report report;
        std::unordered_map<std::uint32_t, presence> peers; // by slot
        bool stopped = false;
    };

    std::shared_ptr<core> core_;
};

} // namespace sigfire::inline v0_1
