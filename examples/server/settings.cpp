// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "settings.hpp"
#include "doors.hpp"
#include "json_file.hpp"
#include "program_version.hpp"

#include <sigfire/core/error.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/json/src.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>
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
    if (const auto slash = rest.find('/'); known->kind == wire::websocket && slash != rest.npos) {
        if (slash + 1 != rest.size()) e.path = rest.substr(slash);
        rest = rest.substr(0, slash);
    }
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

// The URL of another server, short enough for a close reason.
std::string parse_other_server(const std::string& url) {
    const auto odd = [](char c) { return c <= ' ' || c > '~'; };
    const bool good = (url.starts_with("ws://") || url.starts_with("wss://")) && !url.ends_with("//") &&
                      url.size() <= 100 && std::none_of(url.begin(), url.end(), odd);
    if (!good) refuse("'" + url + "' is not a ws:// or wss:// URL of at most 100 bytes");
    return url;
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
// The help was printed.
struct help_text : std::exception {
    explicit help_text(int code) : exit_code{code} {}
    const char* what() const noexcept override { return "the options ask for a help text only"; }

    int exit_code;
};

// The command line, which fills `s`.
class command_line {
public:
    command_line(settings& to, const std::string& command) : s_(to), serve_(add_commands(app_, command)) {
        app_.set_version_flag("--version", program_version());
        serve_.set_version_flag("--version", program_version());
        app_.require_subcommand(1);
        app_.add_subcommand("token", "Sign a token for a test.");
        where();
        tokens();
        features();
        admission();
        limits();
        dialects();
        value("--log-level", "debug, info, warn, error or off (default info)",
              [this](const std::string& v) { s_.level = parse_level(v); });
        operation();
        if (command == "serve")
            serve_.add_flag("--explain", explain_,
                            "print the settings in use and the origin of each, then end");
        else
            serve_.add_flag("--json", json_, "print JSON, for scripts");
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

    bool wants_json() const { return json_; }
    bool explains() const { return explain_; }

    // The settings of the environment that are not on this command line, as words of a command line.
    std::vector<std::string> words_of_environment() {
        std::vector<std::string> words;
        const bool addresses_given = count("--port") + count("--listen") != 0;
        for (const auto* o : serve_.get_options()) {
            const auto name = name_of(*o);
            const auto variable = variable_of(name);
            const char* const text = std::getenv(variable.c_str());
            if (is_action(name) || name == "config" || text == nullptr || *text == '\0') continue;
            const bool address = name == "listen" || name == "port";
            // Kubernetes sets this variable for a service with the name sigfire.
            if (name == "port" && std::string_view{text}.starts_with("tcp://")) continue;
            if (o->count() != 0 || (addresses_given && address)) continue;
            std::istringstream values{text};
            if (o->get_expected_max() > 1)
                for (std::string value; values >> value;) words.push_back("--" + name + '=' + value);
            else
                words.push_back("--" + name + '=' + text);
            origins_[name] = variable;
        }
        return words;
    }

    // The settings of a configuration file that are neither on this command line nor in the environment, as
    // words of a command line.
    std::vector<std::string> words_of(const std::string& path) {
        std::vector<std::string> words;
        const auto given = [this](const std::string& name) {
            return count("--" + name) != 0 || origins_.contains(name);
        };
        const bool addresses_given = given("port") || given("listen");
        const auto file = read_json_file(path);
        for (const auto& [name, value] : file.value.as_object()) {
            const auto at = file.lines.find(std::string{name});
            const auto place = path + (at == file.lines.end() ? "" : ':' + std::to_string(at->second));
            if (name == "rtc_configuration") {
                if (!value.is_object()) refuse(place + ": 'rtc_configuration' is not an object");
                if (given("rtc-config")) continue;
                s_.rtc_configuration = json::serialize(value);
                origins_["rtc-config"] = place;
                continue;
            }
            std::string option{name};
            std::replace(option.begin(), option.end(), '_', '-');
            if (serve_.get_option_no_throw("--" + option) == nullptr || option == "config" ||
                is_action(option))
                refuse(place + " has an unknown member '" + std::string{name} +
                       "': see sigfire serve --help");
            if (given(option) || (addresses_given && (option == "listen" || option == "port"))) continue;
            origins_[option] = place;
            if (value.is_array())
                for (const auto& item : value.as_array())
                    words.push_back("--" + option + '=' + text_of(item, name, place));
            else
                words.push_back("--" + option + '=' + text_of(value, name, place));
        }
        return words;
    }

    // Where the options come from that are not on the command line, by name.
    const std::map<std::string, std::string>& origins() const { return origins_; }

    // All settings in use. `origins` has the places of those that are not on the command line.
    std::vector<effective_setting> effective(const std::map<std::string, std::string>& origins,
                                             const std::string& config) const {
        std::vector<effective_setting> out;
        for (const auto* o : serve_.get_options()) {
            const auto name = name_of(*o);
            if (is_action(name)) continue;
            effective_setting e{name, {}, "default", true};
            for (const auto& value : o->results()) e.value += (e.value.empty() ? "" : " ") + value;
            const auto at = origins.find(name);
            if (name == "config") e.value = config;
            if (name == "rtc-config" && !s_.rtc_configuration.empty()) e.value = s_.rtc_configuration;
            if (!e.value.empty() || o->count() != 0) {
                e.origin = at == origins.end() ? "command line" : at->second;
                e.is_default = false;
            } else if (name == "listen" && s_.default_endpoint) {
                e.value = "ws://127.0.0.1:3003";
            } else {
                e.value = name == "port" ? "none" : default_of(*o);
            }
            out.push_back(std::move(e));
        }
        return out;
    }

private:
    // Adds all commands, for the help. Returns the one with the options of a server.
    static CLI::App& add_commands(CLI::App& app, const std::string& with_options) {
        constexpr std::pair<const char*, const char*> commands[] = {
            {"serve", "Serve until SIGINT or SIGTERM; a second one ends at once."},
            {"check",
             "Check what serve with these options would use: settings, certificates, addresses, files."},
            {"explain",
             "Print the settings that serve with these options would use, and the origin of each."},
            {"start", "Start a server in the background."},
            {"stop", "Stop a server in the background, or all."},
            {"list", "List the servers in the background."},
            {"info", "Tell about a server in the background."}};
        CLI::App* chosen = nullptr;
        for (const auto& [name, help] : commands) {
            auto* const added = app.add_subcommand(name, help);
            if (name == with_options) chosen = added;
        }
        return *chosen;
    }

    static std::string name_of(const CLI::Option& o) { return o.get_lnames().front(); }
    static std::string variable_of(std::string name) {
        for (auto& c : name)
            c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return "SIGFIRE_" + name;
    }
    // Whether an option is no setting.
    static bool is_action(const std::string& name) {
        return name == "help" || name == "version" || name == "explain" || name == "json";
    }
    // The default as the help names it.
    static std::string default_of(const CLI::Option& o) {
        if (o.get_expected_max() == 0) return "off";
        const auto& help = o.get_description();
        constexpr std::string_view sign = "(default";
        auto at = help.rfind(sign);
        if (at == help.npos) return "none";
        at = help.find_first_not_of(": ", at + sign.size());
        return help.substr(at, help.rfind(')') - at);
    }

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
                "ws://HOST:PORT, ws://HOST:PORT/PATH, tcp://HOST:PORT or unix:PATH; with TLS wss://, "
                "tls+tcp:// or tls+unix:. May "
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

    void limits() {
        number("--max-connections", s_.gate.connections,
               "largest number of connections; 0 = as many as the system permits open files, less 64 "
               "(default 0)");
        number("--connections-per-address", s_.gate.per_address,
               "connections of one IPv4 address, or of one IPv6 network of 64 bits; 0 = no limit (default "
               "1000). "
               "Addresses of this machine have no limit");
        number("--connect-rate", s_.gate.connects_per_second,
               "new connections of one address per second, on average; 500 may come at once. 0 = no limit "
               "(default 20)");
        number("--ban-after", s_.gate.failures,
               "failed admissions of one address in a minute that ban it; 0 = never (default 50)");
        time("--ban-time", "seconds that a ban lasts (default 600)", s_.gate.ban);
        number(
            "--messages-per-second", s_.message_rate,
            "messages of one peer per second, on average; all peers of an address have ten times that. 0 = "
            "no limit (default 200)");
        number("--message-burst", s_.message_burst, "messages of one peer at once (default 1000)");
        number(
            "--bytes-per-second", s_.bytes_per_second,
            "bytes of one connection per second; the server reads a faster one slowly. 0 = no limit (default "
            "0)");
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
            "http:// or https:// URL of a service that admits peers, and learns when each opens and closes");
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

    void operation() {
        number("--log-rate", s_.log_rate,
               "most lines in a second of one kind of event; a line tells the number of the others. 0 = no "
               "limit (default 1000)");
        serve_
            .add_option(
                "--log-buffer", s_.log_buffer,
                "bytes of the log that wait for its reader; later lines are lost and counted (default "
                "1048576)")
            ->check(CLI::Range(4096, 1 << 30));
        time("--drain-delay",
             "seconds from SIGTERM until the server refuses new connections; /readyz is 503 at once (default "
             "0)",
             s_.drain_delay);
        time("--drain",
             "seconds over which the server then disconnects its peers, but at least 200 peers in a second "
             "(default 5)",
             s_.drain);
        value("--drain-to", "ws:// or wss:// URL of another server; the close reason of a stop names it",
              [this](const std::string& v) { s_.drain_to = parse_other_server(v); });
    }

    settings& s_;
    CLI::App app_{"A signaling server: it introduces peers to each other."};
    CLI::App& serve_;
    std::map<std::string, std::string> origins_;
    bool explain_ = false, json_ = false;
    std::optional<std::string> config_;
    std::string certificate_, key_;
};

// The origin of the option that a refusal names, or an empty text.
std::string blamed(std::string_view why, const std::map<std::string, std::string>& origins) {
    for (auto at = why.find("--"); at != why.npos; at = why.find("--", at + 2)) {
        const auto name = why.substr(
            at + 2, why.find_first_not_of("abcdefghijklmnopqrstuvwxyz-0123456789", at + 2) - at - 2);
        if (const auto found = origins.find(std::string{name}); found != origins.end()) return found->second;
    }
    return {};
}

bool is_command(const std::string& word) {
    return word == "serve" || word == "check" || word == "explain";
}

} // namespace

loaded_settings load_settings(std::vector<std::string> words) {
    if (!words.empty() && words.front() == "help") { // as in programs with several commands: help serve
        words.erase(words.begin());
        words.push_back("--help");
    }
    if (words.empty())
        refuse("a command is missing: use serve, check, explain, start, stop, list, info, token or --help");
    loaded_settings out;
    if (is_command(words.front()))
        out.command = words.front();
    else if (!words.front().starts_with('-'))
        refuse("'" + words.front() +
               "' is not a command: use serve, check, explain, start, stop, list, info, token or --help");
    command_line line{out.values, out.command};
    try {
        line.parse(words);
    } catch (const CLI::Success& e) {
        throw help_text{line.exit(e)};
    }
    out.json = line.wants_json();
    if (line.explains()) out.command = "explain";
    const char* const named = std::getenv("SIGFIRE_CONFIG");
    out.config = line.config().value_or(named == nullptr ? "" : named);
    // Settings of the environment and the file count only where the command line has none.
    auto more = line.words_of_environment();
    if (!out.config.empty()) {
        auto filed = line.words_of(out.config);
        more.insert(more.end(), filed.begin(), filed.end());
    }
    settings fresh;
    fresh.rtc_configuration = std::move(out.values.rtc_configuration);
    out.values = std::move(fresh);
    words.insert(words.end(), more.begin(), more.end());
    command_line all{out.values, words.front()};
    try {
        all.parse(words);
        all.check();
    } catch (const std::exception& e) { // the command line alone was right
        auto place = blamed(e.what(), line.origins());
        if (place.empty()) place = out.config;
        refuse((place.empty() ? "" : place + ": ") + e.what());
    }
    auto origins = line.origins();
    if (!line.config() && !out.config.empty()) origins["config"] = "SIGFIRE_CONFIG";
    out.effective = all.effective(origins, out.config);
    return out;
}

std::optional<int> read_settings(const std::vector<std::string>& words, loaded_settings& to) {
    try {
        to = load_settings(words);
        return std::nullopt;
    } catch (const help_text& e) {
        return e.exit_code;
    } catch (const std::exception& e) {
        std::cerr << "sigfire: " << e.what() << '\n';
        return 2;
    }
}
