// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/hmac.hpp>
#include <sigfire/admission/detail/ice_servers.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/detail/base64.hpp>
#include <sigfire/core/detail/percent.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// STUN and TURN servers with common credentials.
struct turn_server {
    std::vector<std::string> urls; ///< `turn:host:port?transport=udp`, `turns:...`, `stun:...`
    std::string secret{}; ///< secret shared with the TURN servers (`static-auth-secret` of coturn): each peer
                          ///< gets credentials of its own
    std::string username{};   ///< without a secret: user name, the same for all peers
    std::string credential{}; ///< password of `username`
};

/// Which connections between peers are allowed (W3C WebRTC, `iceTransportPolicy`).
enum class ice_policy : unsigned char {
    any,   ///< direct connections, or through a TURN server; nothing is said
    relay, ///< through a TURN server only: peers do not learn each other's address
};

/// Settings of `turn`.
struct turn_options {
    std::vector<turn_server> servers;    ///< at least one
    std::chrono::seconds ttl{43'200};    ///< life of credentials made from a secret, in seconds
    ice_policy policy = ice_policy::any; ///< which connections are allowed
    /// The clock, for the time in user names.
    std::function<std::chrono::system_clock::time_point()> now{};
};

/// Credentials for one user of a TURN server.
struct turn_credentials {
    std::string username; ///< `expiry:user`
    std::string password; ///< base64
};

/** Credentials for a TURN server that shares `secret`, in the form of the TURN REST API: the user name is
 *  `expiry:user`, the password is base64(HMAC-SHA1(secret, user name)).
 *  @param secret the shared secret
 *  @param expiry end of the credentials, in seconds since 1970 (UTC)
 *  @param user name of the user. The server only logs it. It is percent-encoded and cut to 256 bytes.
 *  @throws std::runtime_error if OpenSSL provides no SHA-1 */
inline turn_credentials turn_credentials_for(std::string_view secret, std::chrono::seconds expiry,
                                             std::string_view user) {
    turn_credentials out;
    detail::append_percent_encoded(out.username, user);
    if (out.username.size() > 256) out.username.resize(256);
    out.username.insert(0, std::to_string(expiry.count()) + ':');
    const auto mac = detail::hmac_of("SHA1", secret, out.username);
    if (mac.empty()) throw std::runtime_error{"sigfire: turn: OpenSSL provides no HMAC-SHA1"};
    out.password = detail::base64(mac);
    return out;
}

/** Gives each peer an RTC configuration with STUN and TURN servers. Models Hook. It stands after the hooks
 *  that decide ids.
 *
 *  Servers with a secret get credentials for this peer, which end after `ttl`. With the feature
 *  `rtc_refresh`, the peer gets new ones in time. The configuration replaces the codec's own. An admission
 *  that has an RTC configuration already keeps it. A peer without an id yet gets a random user name.
 *
 *  Copies share their servers, on several threads too. Needs OpenSSL 3 (CMake target `sigfire::tls`). */
class turn {
public:
    /** Takes the settings.
     *  @throws std::invalid_argument if there is no server, a URL is not a STUN or TURN URL, a TURN URL has
     *    no credentials, or `ttl` is not positive. The text has no secret. */
    explicit turn(turn_options options) : state_{std::make_shared<state>()} { replace(std::move(options)); }

    /// Sets the RTC configuration of the peer. Returns `ok`.
    errc on_admit(const request&, admission& a) {
        if (!a.rtc_configuration.empty()) return errc::ok;
        const auto random = a.id.empty() ? detail::id_source{}.draw() : detail::id_chars{};
        auto made = lease(a.id.empty() ? detail::view(random) : std::string_view{a.id});
        a.rtc_configuration = std::move(made.configuration);
        if (made.life.count() != 0)
            a.attached.put(rtc_renewal{
                made.life, [state = state_](std::string_view id, const std::function<void(rtc_lease)>& done) {
                    done(turn{state}.lease(id));
                }});
        return errc::ok;
    }

    /// The configuration for a user, from now on. Its life is 0 if no server has a secret. Thread-safe.
    rtc_lease lease(std::string_view user) const {
        const auto o = state_->get();
        const auto expiry = std::chrono::duration_cast<std::chrono::seconds>(
            (o->now ? o->now() : std::chrono::system_clock::now()).time_since_epoch() + o->ttl);
        std::string servers = "[";
        bool ends = false;
        for (const auto& s : o->servers) {
            std::vector<std::string> stun, relay;
            for (const auto& url : s.urls) (detail::is_turn_url(url) ? relay : stun).push_back(url);
            const auto add = [&](const std::string& text) {
                servers += (servers.size() == 1 ? "" : ",") + text;
            };
            if (!stun.empty()) add(detail::ice_server(stun, {}, {}));
            if (relay.empty()) continue;
            if (s.secret.empty()) {
                add(detail::ice_server(relay, s.username, s.credential));
                continue;
            }
            const auto made = turn_credentials_for(s.secret, expiry, user);
            add(detail::ice_server(relay, made.username, made.password));
            ends = true;
        }
        servers += ']';
        return {detail::rtc_configuration(servers, o->policy == ice_policy::relay ? "relay" : ""),
                ends ? std::chrono::milliseconds{o->ttl} : std::chrono::milliseconds{}};
    }

    /// Replaces the settings of this hook and of its copies, for the next peers. Thread-safe. Throws as the
    /// constructor does; then nothing has changed.
    void replace(turn_options options) const {
        check(options);
        state_->set(std::make_shared<const turn_options>(std::move(options)));
    }
    /// Replaces the settings by those of `other`, for the next peers. Thread-safe.
    void replace(const turn& other) const { state_->set(other.state_->get()); }

private:
    class state {
    public:
        std::shared_ptr<const turn_options> get() const {
            const std::lock_guard lock{mutex_};
            return options_;
        }
        void set(std::shared_ptr<const turn_options> o) {
            const std::lock_guard lock{mutex_};
            options_ = std::move(o);
        }

    private:
        mutable std::mutex mutex_;
        std::shared_ptr<const turn_options> options_;
    };

    explicit turn(std::shared_ptr<state> shared) : state_{std::move(shared)} {}

    static void check(const turn_options& o) {
        const auto refuse = [](const std::string& why) {
            throw std::invalid_argument{"sigfire: turn: " + why};
        };
        // Ten years: user names have a time in seconds, which some servers read into 32 bits.
        if (o.ttl.count() <= 0 || o.ttl > std::chrono::hours{24 * 3660})
            refuse("ttl must be from 1 second to 10 years");
        if (o.servers.empty()) refuse("there is no server");
        for (const auto& s : o.servers) {
            if (s.urls.empty()) refuse("a server has no URL");
            for (const auto& url : s.urls) {
                if (!detail::is_ice_url(url))
                    refuse("'" + url +
                           "' is not a URL of a STUN or TURN server: use turn:HOST:PORT, turns:HOST:PORT "
                           "or stun:HOST:PORT");
                if (detail::is_turn_url(url) && s.secret.empty() && s.username.empty())
                    refuse("'" + url + "' needs a secret, or a user name and a credential");
            }
            if (!s.secret.empty() && !s.username.empty())
                refuse("a server has both a secret and a user name");
        }
    }

    std::shared_ptr<state> state_;
};

} // namespace sigfire::inline v0_1
