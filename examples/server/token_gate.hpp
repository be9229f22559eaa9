// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"
#include "settings.hpp"

#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <exception>
#include <optional>
#include <string_view>

/// The hook and the renewer of the program: asks for tokens if the settings name keys, else lets everybody
/// in.
class token_gate {
public:
    /// @throws std::runtime_error if a key cannot be used; the text has its path and the reason
    explicit token_gate(const settings& s)
        : log_{s.level}, judges_{!s.jwt_keys.empty() || !s.webhook_url.empty()} {
        if (s.jwt_keys.empty()) return;
        keys_.emplace(s.jwt_keys);
        gate_.emplace(sigfire::jwt_verifier{*keys_, s.jwt},
                      sigfire::jwt_options{.single_use = s.jwt_single_use,
                                           .refuse_after_upgrade = s.jwt_refuse_after_upgrade});
    }

    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission& wish) {
        if (!gate_) return sigfire::errc::ok;
        const auto cause = gate_->on_admit(asked, wish);
        if (cause != sigfire::errc::ok && wish.refused_as) {
            const sigfire::log_field fields[] = {{"remote", asked.remote}, {"reason", wish.refused_as->text}};
            log_(sigfire::log_level::debug, "token_refused",
                 fields); // `connection_refused` reports the refusal
        }
        return cause;
    }

    sigfire::errc renew(std::string_view token, const sigfire::notes* held, sigfire::admission& terms) {
        return gate_ ? gate_->renew(token, held, terms) : sigfire::errc::unknown_command;
    }

    /// What peers may do: what their tokens or the webhook grant, or everything if there are neither.
    sigfire::granted policy() const { return judges_ ? sigfire::granted{} : sigfire::granted::everything(); }

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
    json_log log_;
    bool judges_; // whether peers have grants
    std::optional<sigfire::key_set> keys_;
    std::optional<sigfire::jwt<sigfire::jwt_verifier>> gate_;
};
