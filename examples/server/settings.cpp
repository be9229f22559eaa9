// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "settings.hpp"

#include <sigfire/version.hpp>

#include <CLI/CLI.hpp>
#include <boost/json/src.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& why) {
    throw std::runtime_error{why};
}

std::uint16_t parse_port(std::string_view text, const std::string& of) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size())
        refuse("'" + of + "' has no port between 0 and 65535");
    return port;
}

// ws://HOST:PORT, tcp://HOST:PORT or unix:PATH; an IPv6 host in brackets.
endpoint parse_endpoint(const std::string& text) {
    const std::string_view t{text};
    if (t.starts_with("unix:") && t.size() > 5) return {wire::unix_socket, text.substr(5), 0};
    const bool tcp = t.starts_with("tcp://");
    if (!tcp && !t.starts_with("ws://"))
        refuse("'" + text + "' is none of ws://HOST:PORT, tcp://HOST:PORT, unix:PATH");
    auto host = t.substr(tcp ? 6 : 5);
    if (host.ends_with('/')) host.remove_suffix(1);
    const auto colon = host.rfind(':');
    if (colon == host.npos) refuse("'" + text + "' has no port");
    const auto port = parse_port(host.substr(colon + 1), text);
    host = host.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) refuse("'" + text + "' has no host");
    return {tcp ? wire::tcp : wire::websocket, std::string{host}, port};
}

std::string to_string(const endpoint& e) {
    if (e.kind == wire::unix_socket) return "unix:" + e.host;
    const bool v6 = e.host.find(':') != e.host.npos;
    return (e.kind == wire::tcp ? "tcp://" : "ws://") + (v6 ? '[' + e.host + ']' : e.host) + ':' +
           std::to_string(e.port);
}

json::value read_json(const std::string& path) {
    std::ifstream file{path};
    if (!file) refuse("cannot read " + path);
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    boost::system::error_code ec;
    auto value = json::parse(text, ec);
    if (ec) refuse(path + " is not JSON: " + ec.message());
    if (!value.is_object()) refuse(path + " is not a JSON object");
    return value;
}

spdlog::level::level_enum parse_level(const std::string& name) {
    if (name == "debug") return spdlog::level::debug;
    if (name == "info") return spdlog::level::info;
    if (name == "warn") return spdlog::level::warn;
    if (name == "error") return spdlog::level::err;
    if (name == "off") return spdlog::level::off;
    refuse("'" + name + "' is no log level: debug, info, warn, error or off");
}

struct arguments {
    std::optional<std::string> port, rtc_config, config, level;
    std::vector<std::string> listen;
    std::optional<double> resume_window, mailbox; // seconds
    std::optional<std::size_t> topics, topics_per_peer, members_per_topic;
    bool sessions = false;
};

const std::string& string_in(const json::value& v, std::string_view member) {
    static thread_local std::string text;
    if (!v.is_string()) refuse("the configuration's '" + std::string{member} + "' is not a string");
    text = v.as_string();
    return text;
}

template <class T>
T number_in(const json::value& v, std::string_view member) {
    boost::system::error_code ec;
    const auto n = v.to_number<T>(ec);
    if (ec) refuse("the configuration's '" + std::string{member} + "' is not such a number");
    return n;
}

std::chrono::milliseconds seconds(double s, std::string_view of) {
    constexpr double week = 7 * 24 * 3600;
    if (!(s >= 0 && s <= week)) refuse("'" + std::string{of} + "' has to be between 0 and 604800 seconds");
    return std::chrono::milliseconds{static_cast<std::int64_t>(s * 1000)};
}

std::vector<std::string> strings_in(const json::value& v, std::string_view member) {
    std::vector<std::string> out;
    if (v.is_string()) return {string_in(v, member)};
    if (!v.is_array()) refuse("the configuration's '" + std::string{member} + "' is not a list of strings");
    for (const auto& item : v.as_array()) out.push_back(string_in(item, member));
    return out;
}

// The file says what the command line does not.
void apply_file(const std::string& path, arguments& a, settings& s) {
    const auto file = read_json(path);
    const bool addresses_given = a.port || !a.listen.empty();
    for (const auto& [name, value] : file.as_object()) {
        if (name == "listen") {
            if (!addresses_given) a.listen = strings_in(value, name);
        } else if (name == "rtc_configuration") {
            if (!value.is_object()) refuse("the configuration's 'rtc_configuration' is not an object");
            s.rtc_configuration = json::serialize(value);
        } else if (name == "origins") {
            s.origins = strings_in(value, name);
        } else if (name == "log_level") {
            if (!a.level) a.level = string_in(value, name);
        } else if (name == "resume_window") {
            if (!a.resume_window) a.resume_window = number_in<double>(value, name);
        } else if (name == "mailbox") {
            if (!a.mailbox) a.mailbox = number_in<double>(value, name);
        } else if (name == "topics") {
            if (!a.topics) a.topics = number_in<std::size_t>(value, name);
        } else if (name == "topics_per_peer") {
            if (!a.topics_per_peer) a.topics_per_peer = number_in<std::size_t>(value, name);
        } else if (name == "members_per_topic") {
            if (!a.members_per_topic) a.members_per_topic = number_in<std::size_t>(value, name);
        } else if (name == "sessions") {
            if (!value.is_bool()) refuse("the configuration's 'sessions' is neither true nor false");
            a.sessions = a.sessions || value.as_bool();
        } else {
            refuse("the configuration has a member '" + std::string{name} +
                   "': known are listen, rtc_configuration, origins, log_level, resume_window, mailbox, "
                   "sessions, "
                   "topics, topics_per_peer, members_per_topic");
        }
    }
}

void apply(arguments a, settings& s) {
    if (a.config) apply_file(*a.config, a, s);
    if (a.rtc_config) s.rtc_configuration = json::serialize(read_json(*a.rtc_config));
    if (a.level) s.level = parse_level(*a.level);
    if (a.resume_window) s.resume_window = seconds(*a.resume_window, "resume window");
    if (a.mailbox) s.mailbox = seconds(*a.mailbox, "mailbox");
    if (a.topics) s.topics.topics_in_all = *a.topics;
    if (a.topics_per_peer) s.topics.topics_per_peer = *a.topics_per_peer;
    if (a.members_per_topic) s.topics.members_per_topic = *a.members_per_topic;
    s.sessions = a.sessions;
    if (a.port) s.endpoints.push_back({wire::websocket, "127.0.0.1", parse_port(*a.port, *a.port)});
    for (const auto& text : a.listen) s.endpoints.push_back(parse_endpoint(text));
    if (s.endpoints.empty()) s.endpoints.push_back({wire::websocket, "127.0.0.1", 3003});
    for (auto i = s.endpoints.begin(); i != s.endpoints.end(); ++i) {
        // Port 0 is a new one each time.
        const bool any = i->kind != wire::unix_socket && i->port == 0;
        if (!any && std::find(s.endpoints.begin(), i, *i) != i)
            refuse("the address " + to_string(*i) + " is given twice");
    }
}

} // namespace

std::optional<int> read_settings(int argc, char** argv, settings& s) {
    CLI::App app{"A signaling server: it introduces peers to each other."};
    app.set_version_flag("--version", sigfire::version);
    app.require_subcommand(1);
    arguments a;
    auto& serve = *app.add_subcommand("serve", "Serve until SIGINT or SIGTERM; a second one ends at once.");
    serve.add_option("-p,--port", a.port, "WebSockets on 127.0.0.1:PORT; 0 = any free port (default 3003)");
    serve.add_option("--listen", a.listen,
                     "ws://HOST:PORT, tcp://HOST:PORT or unix:PATH; as often as you like");
    serve.add_option("--rtc-config", a.rtc_config, "file with the RTCConfiguration that every peer is sent");
    serve.add_option(
        "--config", a.config,
        "JSON file with any of listen, rtc_configuration, origins, log_level, and the options below "
        "(resume_window, ...)");
    serve.add_option(
        "--resume-window", a.resume_window,
        "seconds a peer that asks for it may be gone and come back as itself; 0 = none (default 30)");
    serve.add_option("--mailbox", a.mailbox,
                     "seconds that messages wait for a peer who is not there; 0 = not at all (default)");
    serve.add_flag(
        "--sessions", a.sessions,
        "sessions have a state: only the other side accepts, nobody is called twice, time-outs are told");
    serve.add_option("--topics", a.topics, "topics at a time; 0 = none (default 100000)");
    serve.add_option("--topics-per-peer", a.topics_per_peer, "topics that one peer is in (default 100)");
    serve.add_option("--members-per-topic", a.members_per_topic, "peers in one topic (default 100000)");
    serve.add_option("--log-level", a.level, "debug, info, warn, error or off (default info)");
    try {
        app.parse(argc, argv);
        apply(std::move(a), s);
    } catch (const CLI::Success& e) {
        return app.exit(e);
    } catch (const std::exception& e) {
        std::cerr << "sigfire: " << e.what() << '\n';
        return 2;
    }
    return std::nullopt;
}
