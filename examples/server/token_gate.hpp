// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"
#include "key_server.hpp"
#include "settings.hpp"

#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/hub/message_context.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <string_view>
#include <utility>

/// The hook and the renewer of the program: asks for tokens if the settings name keys, else lets everybody
/// in.
class token_gate {
public:
    /// @throws std::runtime_error if a key cannot be used; the text has its path and the reason
    token_gate(boost::asio::io_context& io, const settings& s, json_log log)
        : log_{std::move(log)},
          judges_{!s.jwt_keys.empty() || !s.jwt_jwks.empty() || !s.webhook_url.empty()} {
        const sigfire::jwt_options how{.single_use = s.jwt_single_use,
                                       .refuse_after_upgrade = s.jwt_refuse_after_upgrade};
        if (!s.jwt_jwks.empty()) {
            const sigfire::key_set fetched;
            server_.emplace(io, fetched, s.jwt_jwks, log_);
            fetching_.emplace(sigfire::jwt_verifier{fetched, s.jwt}, *server_, how);
        }
        if (s.jwt_keys.empty()) return;
        keys_.emplace(s.jwt_keys);
        gate_.emplace(sigfire::jwt_verifier{*keys_, s.jwt}, how);
    }

    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission& wish) {
        if (fetching_) return told(fetching_->on_admit(asked, wish), asked, wish);
        return gate_ ? told(gate_->on_admit(asked, wish), asked, wish) : sigfire::errc::ok;
    }

    boost::asio::awaitable<sigfire::errc> on_admit_deferred(const sigfire::request& asked,
                                                            sigfire::admission& wish) {
        const auto cause = co_await fetching_->on_admit_deferred(asked, wish);
        co_return told(cause, asked, wish);
    }

    sigfire::errc on_message(sigfire::message_context& context, sigfire::event::authenticate& e) {
        return fetching_ ? fetching_->on_message(context, e) : sigfire::errc::ok;
    }

    sigfire::errc renew(std::string_view token, const sigfire::notes* held, sigfire::admission& terms) {
        if (fetching_) return fetching_->renew(token, held, terms);
        return gate_ ? gate_->renew(token, held, terms) : sigfire::errc::unknown_command;
    }

    /// The rights of peers: those of their tokens or of the webhook, or all if there are neither.
    sigfire::granted policy() const { return judges_ ? sigfire::granted{} : sigfire::granted::everything(); }

    /// From now on, nothing keeps the loop busy.
    void stop() const {
        if (server_) server_->stop();
    }

    /// Reads the keys again, if there are any. If they cannot be used, the old ones stay in use. Logs the
    /// result.
    void reload() const {
        if (!keys_) return;
        try {
            keys_->reload();
            log_(sigfire::log_level::info, "keys_reloaded", {});
        } catch (const std::exception& e) {
            const sigfire::log_field fields[] = {{"reason", e.what()}};
            log_(sigfire::log_level::error, "keys_not_reloaded", fields);
        }
    }

private:
    // Logs why a token was refused.
    sigfire::errc told(sigfire::errc cause, const sigfire::request& asked,
                       const sigfire::admission& wish) const {
        if (cause != sigfire::errc::ok && wish.refused_as) {
            const sigfire::log_field fields[] = {{"remote", asked.remote}, {"reason", wish.refused_as->text}};
            // `connection_refused` reports the refusal
            log_(sigfire::log_level::debug, "token_refused", fields);
        }
        return cause;
    }

    json_log log_;
    bool judges_; // whether peers have grants
    std::optional<sigfire::key_set> keys_;
    std::optional<sigfire::jwt<sigfire::jwt_verifier>> gate_;
    std::optional<key_server> server_;
    std::optional<sigfire::jwt<sigfire::jwt_verifier, key_server>> fetching_; // with keys of that server
};
