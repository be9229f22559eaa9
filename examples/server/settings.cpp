// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "settings.hpp"
#include "doors.hpp"
#include "json_file.hpp"
#include "program_version.hpp"
#include "token.hpp"

#include <sigfire/core/error.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/json/src.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& why) {
    throw std::runtime_error{why};
}

std::uint16_t parse_port(std::string_view text, const std::string& of) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size())
        refuse("'" + of + "' " + (text == of ? "is not a" : "has no") + " port from 0 to 65535");
    return port;
}

constexpr std::pair<std::string_view, family> families[] = {
    {"sigfire", family::sigfire},
    {"msgpack", family::msgpack},
    {"signal-fire-2016", family::signal_fire_2016},
    {"socket-signal", family::socket_signal},
    {"peerjs", family::peerjs},
    {"y-webrtc", family::y_webrtc},
};

struct scheme {
    std::string_view begin;
    wire kind;
    bool tls;
};

constexpr scheme schemes[] = {
    {"ws://", wire::websocket, false},   {"wss://", wire::websocket, true},
    {"tcp://", wire::tcp, false},        {"tls+tcp://", wire::tcp, true},
    {"unix:", wire::unix_socket, false}, {"tls+unix:", wire::unix_socket, true},
};

// Reads the query behind `?` in `rest`, and removes it from `rest`.
void cut_query(std::string_view& rest, const std::string& text, endpoint& e) {
    const auto begin = rest.find('?');
    if (begin == rest.npos) return;
    auto query = rest.substr(begin + 1);
    rest = rest.substr(0, begin);
    for (bool more = true; more;) {
        const auto end = query.find('&');
        const auto asked = query.substr(0, end);
        more = end != query.npos;
        if (more) query.remove_prefix(end + 1);
        if (asked == "proxy-protocol") {
            e.proxied = true;
            continue;
        }
        if (asked == "hello" && e.kind != wire::websocket) {
            e.hello = true;
            continue;
        }
        constexpr std::string_view name = "dialect=";
        const auto* const known = std::find_if(std::begin(families), std::end(families), [&](const auto& f) {
            return asked.starts_with(name) && asked.substr(name.size()) == f.first;
        });
        if (known == std::end(families))
            refuse(
                "'" + text +
                "' has an unknown query: use proxy-protocol, hello (not for WebSockets) or dialect=NAME with "
                "sigfire, msgpack, signal-fire-2016, socket-signal, peerjs or y-webrtc");
        e.clients = known->second;
    }
}

// ws://HOST:PORT, tcp://HOST:PORT or unix:PATH, also with TLS. An IPv6 host has brackets.
endpoint parse_endpoint(const std::string& text) {
    std::string_view rest{text};
    const auto* const known = std::find_if(std::begin(schemes), std::end(schemes),
                                           [&](const auto& s) { return rest.starts_with(s.begin); });
    if (known == std::end(schemes))
        refuse("'" + text +
               "' is not an endpoint: use ws://HOST:PORT, tcp://HOST:PORT or unix:PATH, or with TLS "
               "wss://HOST:PORT, tls+tcp://HOST:PORT or tls+unix:PATH");
    rest.remove_prefix(known->begin.size());
    endpoint e{known->kind, known->tls};
    cut_query(rest, text, e);
    if (known->kind == wire::unix_socket) {
        if (rest.empty()) refuse("'" + text + "' has no path");
        e.host = rest;
        return e;
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const auto colon = rest.rfind(':');
    if (colon == rest.npos) refuse("'" + text + "' has no port");
    e.port = parse_port(rest.substr(colon + 1), text);
    rest = rest.substr(0, colon);
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    if (rest.empty()) refuse("'" + text + "' has no host");
    e.host = rest;
    return e;
}

spdlog::level::level_enum parse_level(const std::string& name) {
    if (name == "debug") return spdlog::level::debug;
    if (name == "info") return spdlog::level::info;
    if (name == "warn") return spdlog::level::warn;
    if (name == "error") return spdlog::level::err;
    if (name == "off") return spdlog::level::off;
    refuse("'" + name + "' is not a log level: use debug, info, warn, error or off");
}

// A path; empty for `off`.
std::string parse_path(const std::string& text) {
    if (text == "off") return {};
    if (!text.starts_with('/') || text.size() == 1 || text.ends_with('/') ||
        text.find_first_of("?#") != text.npos)
        refuse("'" + text + "' is not a path: use /name or off");
    return text;
}

sigfire::forwarded_header parse_forwarded_header(const std::string& name) {
    if (name == "x-forwarded") return sigfire::forwarded_header::x_forwarded;
    if (name == "forwarded") return sigfire::forwarded_header::forwarded;
    if (name == "x-real-ip") return sigfire::forwarded_header::x_real_ip;
    refuse("'" + name + "' is not a header of proxies: use x-forwarded, forwarded or x-real-ip");
}

// An address, a network or `unix`.
std::string parse_proxy(const std::string& text) {
    namespace ip = boost::asio::ip;
    sigfire::error_code no_address, no_v4, no_v6;
    ip::make_address(text, no_address);
    ip::make_network_v4(text, no_v4);
    ip::make_network_v6(text, no_v6);
    if (text != "unix" && no_address && no_v4 && no_v6)
        refuse("'" + text + "' is not a proxy: use an address, a network such as 10.0.0.0/8, or unix");
    return text;
}

std::chrono::seconds parse_leeway(const std::string& text) {
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds > 3600)
        refuse("'" + text + "' is not a number of seconds from 0 to 3600");
    return std::chrono::seconds{seconds};
}

// The command line, which fills `s`.
class command_line {
public:
    explicit command_line(settings& to) : s_(to) {
        app_.set_version_flag("--version", program_version());
        serve_.set_version_flag("--version", program_version());
        app_.require_subcommand(1);
        app_.add_subcommand("token", "Sign a token for a test.");
        where();
        tokens();
        features();
        admission();
        dialects();
        value("--log-level", "debug, info, warn, error or off (default info)",
              [this](const std::string& v) { s_.level = parse_level(v); });
    }

    void parse(std::vector<std::string> words) {
        std::reverse(words.begin(), words.end()); // the library expects the reverse order
        app_.parse(words);
    }

    // Checks the options against each other, once all of them are known.
    void check() {
        s_.default_endpoint = s_.endpoints.empty();
        if (s_.default_endpoint) s_.endpoints.push_back({wire::websocket, false, "127.0.0.1", 3003});
        for (auto i = s_.endpoints.begin(); i != s_.endpoints.end(); ++i) {
            // Port 0 is a new port each time.
            const bool any = i->kind != wire::unix_socket && i->port == 0;
            if (!any && std::any_of(s_.endpoints.begin(), i, [&](const endpoint& e) {
                    return e.kind == i->kind && e.host == i->host && e.port == i->port;
                }))
                refuse("the address " + i->host +
                       (i->kind == wire::unix_socket ? "" : ':' + std::to_string(i->port)) +
                       " is used twice");
            if (i->proxied && s_.proxies.empty()) refuse("proxy-protocol needs --proxies");
            if (i->tls && !certificate_.empty()) continue;
            if (i->tls) refuse("a listener with TLS needs --tls-certificate");
        }
        const auto secure = [](const endpoint& e) { return e.tls; };
        if ((!certificate_.empty() || !key_.empty() || !s_.tls.ca.empty()) &&
            std::none_of(s_.endpoints.begin(), s_.endpoints.end(), secure))
            refuse("--tls-certificate, --tls-key and --tls-ca need a listener with TLS, for example "
                   "wss://HOST:PORT");
        const std::string* const paths[] = {&s_.signal_fire_2016_path, &s_.socket_signal_path,
                                            &s_.y_webrtc_path};
        for (const auto* a : paths)
            for (const auto* b : paths)
                if (a != b && !a->empty() && *a == *b) refuse("the path " + *a + " is used twice");
        if (s_.jwt_keys.empty() && s_.jwt_jwks.empty() &&
            count("--jwt-issuer") + count("--jwt-audience") + count("--jwt-leeway") +
                    count("--jwt-single-use") + count("--jwt-refuse-after-upgrade") !=
                0)
            refuse(
                "--jwt-issuer, --jwt-audience, --jwt-leeway, --jwt-single-use and --jwt-refuse-after-upgrade "
                "need --jwt-key or --jwt-jwks");
        if (!s_.jwt_keys.empty() && !s_.jwt_jwks.empty())
            refuse("--jwt-key and --jwt-jwks exclude each other");
        // Without an issuer, the tokens of all its customers would be good.
        if (!s_.jwt_jwks.empty() && s_.jwt.issuers.empty()) refuse("--jwt-jwks needs --jwt-issuer");
        if (!certificate_.empty()) s_.tls.certificates = {{certificate_, key_}};
        if (!s_.tls.ca.empty()) s_.tls.verify = sigfire::tls_verify::required;
        check_admission();
    }

    const std::optional<std::string>& config() const { return config_; }
    int exit(const CLI::Success& e) const { return app_.exit(e); }

    // The settings of a configuration file that are not on this command line, as words of a command line.
    std::vector<std::string> words_of(const std::string& path) {
        std::vector<std::string> words;
        const bool addresses_given = count("--port") + count("--listen") != 0;
        const auto file = read_json_object(path);
        for (const auto& [name, value] : file.as_object()) {
            if (name == "rtc_configuration") {
                if (!value.is_object()) refuse(path + ": 'rtc_configuration' is not an object");
                if (count("--rtc-config") == 0) s_.rtc_configuration = json::serialize(value);
                continue;
            }
            std::string option = "--" + std::string{name};
            std::replace(option.begin(), option.end(), '_', '-');
            const bool action = option == "--config" || option == "--help" || option == "--version";
            if (serve_.get_option_no_throw(option) == nullptr || action)
                refuse(path + " has an unknown member '" + std::string{name} + "': see sigfire serve --help");
            if (count(option) != 0 || (addresses_given && (option == "--listen" || option == "--port")))
                continue;
            if (value.is_array())
                for (const auto& item : value.as_array())
                    words.push_back(option + '=' + text_of(item, name, path));
            else
                words.push_back(option + '=' + text_of(value, name, path));
        }
        return words;
    }

private:
    std::size_t count(const std::string& option) const { return serve_.get_option(option)->count(); }

    static std::string text_of(const json::value& v, std::string_view name, const std::string& path) {
        if (v.is_string()) return std::string{v.as_string()};
        if (v.is_object() || v.is_array() || v.is_null())
            refuse(path + ": '" + std::string{name} +
                   "' must be a string, a number, a boolean or a list of these");
        return json::serialize(v);
    }

    // Calls `f`, and puts the name of the option in front of what `f` refuses.
    template <class F>
    static auto naming(const std::string& name, F f) {
        return [option = name.substr(name.rfind("--")), f](const auto& v) {
            try {
                f(v);
            } catch (const std::runtime_error& e) {
                refuse(option + ": " + e.what());
            }
        };
    }
    template <class F>
    void value(const std::string& name, const std::string& help, F f) {
        serve_.add_option_function<std::string>(name, naming(name, std::move(f)), help)
            ->allow_extra_args(false);
    }
    void values(const std::string& name, const std::string& help, std::vector<std::string>& to) {
        serve_.add_option(name, to, help)->allow_extra_args(false)->delimiter(',');
    }
    // A number. CLI11 turns a negative one into a large one.
    template <class N>
    void number(const std::string& name, N& to, const std::string& help) {
        serve_.add_option(name, to, help)->check([](const std::string& text) {
            const bool whole = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            return whole ? std::string{} : "'" + text + "' is not a whole number from 0 on";
        });
    }
    // A time: the number counts `unit` milliseconds.
    void time(const std::string& name, const std::string& help, std::chrono::milliseconds& to,
              double unit = 1000) {
        serve_
            .add_option_function<double>(
                name,
                [name, &to, unit](double n) {
                    constexpr double week = 7 * 24 * 3600 * 1000.0;
                    if (!(n >= 0 && n * unit <= week)) refuse(name + " must be from 0 to one week");
                    to = std::chrono::milliseconds{static_cast<std::int64_t>(n * unit)};
                },
                help)
            ->check([](const std::string& text) {
                char* end = nullptr;
                std::strtod(text.c_str(), &end);
                return !text.empty() && *end == '\0' ? std::string{} : "'" + text + "' is not a number";
            });
    }

    void where() {
        value("-p,--port", "WebSockets on 127.0.0.1:PORT; 0 = any free port (default 3003)",
              [this](const std::string& v) {
                  s_.endpoints.push_back({wire::websocket, false, "127.0.0.1", parse_port(v, v)});
              });
        serve_
            .add_option_function<std::vector<std::string>>(
                "--listen",
                naming("--listen",
                       [this](const std::vector<std::string>& all) {
                           for (const auto& text : all) s_.endpoints.push_back(parse_endpoint(text));
                       }),
                "ws://HOST:PORT, tcp://HOST:PORT or unix:PATH; with TLS wss://, tls+tcp:// or tls+unix:. May "
                "be repeated. ?dialect=NAME serves the clients of one family only: sigfire, msgpack, "
                "signal-fire-2016, socket-signal, peerjs, y-webrtc. ?proxy-protocol reads the PROXY headers "
                "of --proxies. ?hello lets tcp:// and unix: peers say hello first")
            ->allow_extra_args(false);
        value("--rtc-config", "file with an RTCConfiguration; the server sends it to every peer",
              [this](const std::string& v) { s_.rtc_configuration = json::serialize(read_json_object(v)); });
        serve_.add_option("--config", config_,
                          "JSON file with any of these options: --resume-window 5 is \"resume_window\": 5. A "
                          "repeated option is a list. rtc_configuration is an object");
        values("--origins",
               "origins of pages that may connect, for example https://example.org; none = clients without "
               "an origin (default: any)",
               s_.origins);
        serve_
            .add_option_function<std::vector<std::string>>(
                "--proxies",
                naming("--proxies",
                       [this](const std::vector<std::string>& all) {
                           for (const auto& text : all) s_.proxies.push_back(parse_proxy(text));
                       }),
                "addresses and networks (10.0.0.0/8) of trusted proxies; unix = proxies on Unix sockets. The "
                "server believes their X-Forwarded-For and X-Forwarded-Proto, or their PROXY header "
                "(default: none)")
            ->allow_extra_args(false)
            ->delimiter(',');
        value("--forwarded-by",
              "header of these proxies: x-forwarded (X-Forwarded-For and X-Forwarded-Proto), forwarded (RFC "
              "7239) or x-real-ip (default x-forwarded)",
              [this](const std::string& v) { s_.forwarded_by = parse_forwarded_header(v); });
        serve_
            .add_option("--max-header", s_.header,
                        "largest header of an HTTP request in bytes, cookies included (default 16384)")
            ->check(CLI::Range(1024, 1 << 20));
        time("--ping",
             "seconds of silence before the server pings a WebSocket peer; after as many again it "
             "disconnects the peer. 0 = never (default 30)",
             s_.ping);
        serve_.add_option("--tls-certificate", certificate_,
                          "PEM file with the certificate and its chain; SIGHUP reads it again");
        serve_.add_option("--tls-key", key_, "PEM file with the key (default: the file of the certificate)");
        serve_.add_option("--tls-ca", s_.tls.ca,
                          "PEM file with the CAs of client certificates; each client then needs one");
    }

    void tokens() {
        serve_
            .add_option(
                "--jwt-key", s_.jwt_keys,
                "file with the keys of tokens (JWT): public keys in PEM, a JWK, a JWK Set, or a secret of "
                "32 bytes or more. May be repeated. Each client then needs a valid token; SIGHUP reads the "
                "keys again")
            ->allow_extra_args(false);
        serve_.add_option(
            "--jwt-jwks", s_.jwt_jwks,
            "http:// or https:// URL of a JWK Set with the keys of tokens, instead of --jwt-key; the "
            "server fetches it again in time, and for an unknown key");
        values("--jwt-issuer", "accepted issuers (iss) of tokens (default: any)", s_.jwt.issuers);
        values(
            "--jwt-audience",
            "names of this server; a token needs one of them in aud (default: none, for tokens without aud)",
            s_.jwt.audiences);
        value("--jwt-leeway",
              "largest difference between the clocks of issuer and server, in seconds (default 60)",
              [this](const std::string& v) { s_.jwt.leeway = parse_leeway(v); });
        serve_.add_flag("--jwt-single-use", s_.jwt_single_use,
                        "a token is good for one connection; it then needs an id (jti)");
        serve_.add_flag("--jwt-refuse-after-upgrade", s_.jwt_refuse_after_upgrade,
                        "refuse by close code 4401, which a page can read, instead of status 401");
    }

    void features() {
        time("--resume-window",
             "seconds in which a disconnected peer can resume, if it asked for that; 0 = never (default 30)",
             s_.resume_window);
        time("--mailbox", "seconds that the server keeps messages for an absent peer; 0 = none (default 0)",
             s_.mailbox);
        time("--request-timeout", "seconds that a peer has to answer a request of another peer (default 10)",
             s_.request_timeout);
        serve_.add_flag("--sessions", s_.sessions,
                        "the server keeps the state of sessions: only the callee accepts, a second call is "
                        "refused, a time-out is reported");
        number("--topics", s_.topics.total_topics,
               "largest number of topics; 0 = no topics (default 100000)");
        number("--topics-per-peer", s_.topics.topics_per_peer,
               "largest number of topics of one peer (default 1000)");
        number("--members-per-topic", s_.topics.members_per_topic,
               "largest number of peers in one topic (default 100000)");
    }

    void admission() {
        values("--turn-url",
               "turn:HOST:PORT, turns:HOST:PORT or stun:HOST:PORT; each peer gets these servers with "
               "credentials "
               "of its own. May be repeated",
               s_.turn_urls);
        serve_.add_option(
            "--turn-secret-file", s_.turn_secret_file,
            "file with the secret of the TURN servers (static-auth-secret of coturn); SIGHUP reads it "
            "again");
        time("--turn-ttl",
             "seconds that TURN credentials are valid; peers get new ones before (default 43200)",
             s_.turn_ttl);
        serve_.add_option(
            "--webhook-url", s_.webhook_url,
            "http:// or https:// URL of a service that admits peers and hears who comes and goes");
        serve_.add_option("--webhook-secret-file", s_.webhook_secret_file,
                          "file with the key of the signatures of these requests; SIGHUP reads it again");
        value("--webhook-fail",
              "what happens to connections while the service fails: closed refuses them, open admits them "
              "(default "
              "closed)",
              [this](const std::string& v) {
                  if (v != "open" && v != "closed") refuse("'" + v + "' is not known: use open or closed");
                  s_.webhook_fail_open = v == "open";
              });
        time("--webhook-timeout", "seconds that the service has for an answer, less than 10 (default 5)",
             s_.webhook_timeout);
        values("--webhook-headers",
               "header fields of a client's request that the service gets, for example Cookie "
               "(default: none)",
               s_.webhook_headers);
        serve_.add_flag("--webhook-token", s_.webhook_token,
                        "the service gets the token of a client: Authorization: Bearer, or ?token=");
    }

    // The secrets are read too: a file that cannot be used is found before the server listens.
    void check_admission() {
        if (!s_.turn_secret_file.empty() && s_.turn_urls.empty())
            refuse("--turn-secret-file needs --turn-url");
        const bool relay = std::any_of(s_.turn_urls.begin(), s_.turn_urls.end(),
                                       [](const std::string& url) { return url.starts_with("turn"); });
        if (relay && s_.turn_secret_file.empty())
            refuse("--turn-url with a TURN server needs --turn-secret-file");
        if (s_.webhook_url.empty() && !s_.webhook_secret_file.empty())
            refuse("--webhook-secret-file needs --webhook-url");
        if (!s_.webhook_url.empty() && s_.webhook_secret_file.empty())
            refuse("--webhook-url needs --webhook-secret-file");
        // After ten seconds the listener answers by itself.
        if (s_.webhook_timeout.count() == 0 || s_.webhook_timeout >= std::chrono::seconds{10})
            refuse("--webhook-timeout must be above 0 and below 10");
        try {
            check_doors(s_);
        } catch (const std::exception& e) {
            std::string_view why = e.what();
            if (why.starts_with("sigfire: ")) why.remove_prefix(9);
            refuse(std::string{why});
        }
    }

    void dialects() {
        const auto path = [this](const std::string& name, std::string& to, const std::string& help) {
            value(name, "path of " + help + ", or off (default " + to + ")",
                  [&to](const std::string& v) { to = parse_path(v); });
        };
        path("--signal-fire-2016", s_.signal_fire_2016_path, "signal-fire 0.5 clients");
        serve_.add_flag("--signal-fire-2016-number-ids", s_.signal_fire_2016.number_ids,
                        "a number is the id of the peer with these digits");
        serve_.add_flag("--signal-fire-2016-peer-id", s_.signal_fire_2016.peer_id_routing,
                        "route by peerId if there is no receiverId, as version 0.1 did");
        serve_.add_flag("--signal-fire-2016-check-sender", s_.signal_fire_2016.check_sender,
                        "drop messages with a wrong sender id");
        path("--socket-signal", s_.socket_signal_path, "socket-signal 9 and 10 clients");
        serve_.add_flag(
            "--socket-signal-strict-ids", s_.socket_signal_strict_ids,
            "socket-signal: the first owner of an id keeps it (default: the newest owner gets it)");
        path("--y-webrtc", s_.y_webrtc_path, "y-webrtc clients");

        auto& o = s_.peerjs_options;
        value("--peerjs", "path of PeerJS clients, or off (default /)", [this](const std::string& v) {
            s_.peerjs = v != "off";
            if (s_.peerjs && !v.starts_with('/')) refuse("'" + v + "' is not a path: use /, /name or off");
            if (s_.peerjs) s_.peerjs_options.path = v;
        });
        serve_.add_option("--peerjs-key", o.key, "API key that PeerJS clients send (default peerjs)");
        time("--peerjs-expire",
             "ms that the server keeps messages for an absent PeerJS client (default 5000)", o.expire_timeout,
             1);
        time("--peerjs-cleanup", "ms between two removals of expired messages (default 1000)",
             o.cleanup_out_msgs, 1);
        time(
            "--peerjs-alive",
            "ms without a heartbeat before the server disconnects a PeerJS client; 0 = never (default 90000)",
            o.alive_timeout, 1);
        number("--peerjs-limit", o.concurrent_limit,
               "largest number of PeerJS clients; 0 = no limit (default 5000)");
        serve_.add_flag("--peerjs-discovery", o.allow_discovery,
                        "tell all ids to each PeerJS client that asks");
        values("--peerjs-cors", "origins of pages that may use the HTTP routes of PeerJS (default: any)",
               o.cors_origins);
    }

    settings& s_;
    CLI::App app_{"A signaling server: it introduces peers to each other."};
    CLI::App& serve_ =
        *app_.add_subcommand("serve", "Serve until SIGINT or SIGTERM; a second one ends at once.");
    std::optional<std::string> config_;
    std::string certificate_, key_;
};

} // namespace

std::optional<int> read_settings(int argc, char** argv, settings& s) {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && words.front() == "help") { // as in programs with several commands: help serve
        words.erase(words.begin());
        words.push_back("--help");
    }
    command_line line{s};
    try {
        if (words.empty()) refuse("a command is missing: use serve, token or --help");
        if (words.front() == "token") return sign_token(std::move(words));
        if (!words.front().starts_with('-') && words.front() != "serve")
            refuse("'" + words.front() + "' is not a command: use serve, token or --help");
        line.parse(words);
        if (!line.config()) {
            line.check();
            return std::nullopt;
        }
        // Settings of the file count only where the command line has none.
        const auto more = line.words_of(*line.config());
        settings fresh;
        fresh.rtc_configuration = std::move(s.rtc_configuration);
        s = std::move(fresh);
        words.insert(words.end(), more.begin(), more.end());
        command_line all{s};
        try {
            all.parse(words);
            all.check();
        } catch (const std::exception& e) { // the command line alone was right, so the fault is in the file
            refuse(*line.config() + ": " + e.what());
        }
        return std::nullopt;
    } catch (const CLI::Success& e) {
        return line.exit(e);
    } catch (const std::exception& e) {
        std::cerr << "sigfire: " << e.what() << '\n';
        return 2;
    }
}
