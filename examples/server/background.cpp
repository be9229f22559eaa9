// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "background.hpp"
#include "control_folder.hpp"
#include "program_version.hpp"
#include "settings.hpp"
#include "supervisor.hpp"
#include "text_table.hpp"

#include <sigfire/core/error.hpp>
#include <sigfire/rpc/rpc.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int good = 0, failure = 1, wrong_usage = 2;

int complain(const std::string& why, int code) {
    std::cerr << "sigfire: " << why << '\n';
    return code;
}

// --- talking to the parents of servers ---

struct answer {
    long pid = 0;
    sigfire::error_code ec{};
    json::value value{};
};

// Calls a command of the parent with that id. A call of `stop` waits until the server has ended.
asio::awaitable<void> ask(asio::io_context& io, const control_folder& folder, std::string command,
                          bool secrets, answer& out) {
    constexpr auto tuple = asio::as_tuple(asio::use_awaitable);
    const bool stops = command == "stop";
    sigfire::rpc_options options;
    options.call_timeout =
        stops ? std::chrono::milliseconds{std::chrono::hours{24}} : std::chrono::seconds{5};
    sigfire::rpc parent{io, options};
    const auto path = folder.socket_of(out.pid);
    std::tie(out.ec) = co_await parent.connect(path, tuple);
    if (out.ec) {
        // A parent that was killed leaves its socket behind.
        if (out.ec == asio::error::connection_refused && ::kill(static_cast<pid_t>(out.pid), 0) != 0 &&
            errno == ESRCH)
            ::unlink(path.c_str());
        co_return;
    }
    if (stops) {
        std::tie(out.ec) = co_await parent.call(command, tuple);
    } else {
        auto [ec, value] = co_await parent.call<json::value>(command, secrets, tuple);
        out.ec = ec;
        out.value = std::move(value);
    }
    co_await parent.close(tuple);
}

std::vector<answer> ask_all(const control_folder& folder, const std::vector<long>& pids,
                            const std::string& command, bool secrets = false) {
    asio::io_context io{1};
    std::vector<answer> out;
    for (const auto pid : pids) out.push_back({pid});
    for (auto& a : out) asio::co_spawn(io, ask(io, folder, command, secrets, a), asio::detached);
    io.run();
    return out;
}

std::string why(const answer& a) {
    const bool none = a.ec == asio::error::connection_refused || a.ec.value() == ENOENT;
    return none ? "no server has the process id " + std::to_string(a.pid) + ": see sigfire list"
                : "the server " + std::to_string(a.pid) + " does not answer: " + a.ec.message();
}

// --- start ---

struct start_options {
    std::string control, config, host, path, log;
    std::optional<std::uint16_t> port;
    bool json = false;
};

// The command line of the worker.
std::vector<std::string> worker_words(const start_options& o, const std::vector<std::string>& others) {
    std::vector<std::string> words{"serve"};
    if (!o.config.empty()) words.insert(words.end(), {"--config", o.config});
    if (o.port || !o.host.empty() || !o.path.empty()) {
        auto host = o.host.empty() ? "127.0.0.1" : o.host;
        if (host.find(':') != host.npos && !host.starts_with('[')) host = '[' + host + ']';
        words.insert(words.end(),
                     {"--listen", "ws://" + host + ':' + std::to_string(o.port.value_or(3003)) + o.path});
    }
    words.insert(words.end(), others.begin(), others.end());
    return words;
}

void redirect_to_null() {
    const int null = ::open("/dev/null", O_RDWR | O_NOCTTY);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    if (null > STDERR_FILENO) ::close(null);
}

std::string read_all(int fd) {
    std::string out;
    char some[4096];
    for (ssize_t n = 0; (n = ::read(fd, some, sizeof some)) > 0 || (n < 0 && errno == EINTR);)
        if (n > 0) out.append(some, static_cast<std::size_t>(n));
    return out;
}

int start(const start_options& o, const std::vector<std::string>& others) {
    if (!o.path.empty() && !o.path.starts_with('/'))
        return complain("--path: '" + o.path + "' is not a path: use /name", wrong_usage);
    const auto words = worker_words(o, others);
    loaded_settings loaded;
    try {
        loaded = load_settings(words);
    } catch (const std::exception& e) {
        return complain(e.what(), wrong_usage);
    }
    if (loaded.command != "serve") return complain("start serves: it explains nothing", wrong_usage);
    supervisor_options parent{.folder = control_folder{o.control}, .words = words, .log = o.log};
    parent.folder.make();
    const auto& s = loaded.values;
    parent.stop_limit = s.drain_delay + s.drain + std::chrono::seconds{15};
    if (!o.log.empty()) {
        const int log = ::open(o.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (log < 0) return complain("cannot write the log " + o.log + ": " + std::strerror(errno), failure);
        ::close(log);
    }
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) return complain(std::strerror(errno), failure);
    const auto child = ::fork();
    if (child < 0) return complain(std::string{"cannot start a process: "} + std::strerror(errno), failure);
    if (child == 0) {
        ::close(report[0]);
        ::setsid();
        redirect_to_null();
        parent.report = report[1];
        ::_exit(supervise(parent));
    }
    ::close(report[1]);
    const auto told = read_all(report[0]);
    ::close(report[0]);
    boost::system::error_code ec;
    const auto value = json::parse(told, ec);
    const auto* const result = value.if_object();
    const auto* const addresses = result == nullptr ? nullptr : result->if_contains("addresses");
    if (ec || addresses == nullptr) {
        ::waitpid(child, nullptr, 0);
        const auto* const error = result == nullptr ? nullptr : result->if_contains("error");
        const auto* const status = result == nullptr ? nullptr : result->if_contains("status");
        std::string text = error != nullptr && error->is_string() ? std::string{error->get_string()} : "";
        if (text.starts_with("sigfire: ")) text.erase(0, 9);
        return complain("the server does not start" + (text.empty() ? text : ": " + text),
                        status != nullptr && *status == wrong_usage ? wrong_usage : failure);
    }
    if (o.json) {
        std::cout << json::serialize(json::object{{"pid", child}, {"addresses", *addresses}}) << '\n';
        return good;
    }
    std::cout << "started " << child;
    for (const auto& a : addresses->as_array()) std::cout << ' ' << std::string_view{a.as_string()};
    std::cout << '\n';
    return good;
}

// --- stop ---

int stop(const control_folder& folder, const std::string& which, bool as_json) {
    std::vector<long> pids;
    if (which == "all") {
        pids = folder.processes();
    } else {
        const auto pid = control_folder::parse_pid(which);
        if (!pid) return complain("'" + which + "' is neither a process id nor all", wrong_usage);
        pids = {*pid};
    }
    if (!as_json && ::isatty(STDERR_FILENO) == 1 && !pids.empty())
        std::cerr << "waiting for " << pids.size() << (pids.size() == 1 ? " server" : " servers")
                  << " to drain\n";
    json::array list;
    int code = good;
    for (const auto& a : ask_all(folder, pids, "stop")) {
        // An orphaned socket is no server.
        if (a.ec && which == "all" && a.ec == asio::error::connection_refused) continue;
        list.push_back(json::object{{"pid", a.pid}, {"stopped", !a.ec.failed()}});
        if (a.ec)
            code = complain(why(a), failure);
        else if (!as_json)
            std::cout << "stopped " << a.pid << '\n';
    }
    if (as_json) std::cout << json::serialize(list) << '\n';
    return code;
}

// --- list and info ---

std::string text_of(const json::value& v) {
    if (v.is_string()) return std::string{v.get_string()};
    if (v.is_array()) {
        std::string out;
        for (const auto& e : v.get_array()) out += (out.empty() ? "" : " ") + text_of(e);
        return out;
    }
    return v.is_null() ? "-" : json::serialize(v);
}

std::string member(const json::value& of, const char* name) {
    const auto* const object = of.if_object();
    const auto* const value = object == nullptr ? nullptr : object->if_contains(name);
    return value == nullptr ? "-" : text_of(*value);
}

std::int64_t number(const json::value& of, const char* name) {
    const auto* const object = of.if_object();
    const auto* const value = object == nullptr ? nullptr : object->if_contains(name);
    boost::system::error_code ec;
    const auto n = value == nullptr ? 0 : value->to_number<std::int64_t>(ec);
    return ec ? 0 : n;
}

int colour_of(const std::string& state) {
    return state == "running" ? 32 : 33;
}

// `name=value` for each setting that does not have its default.
std::string changed_settings(const json::value& of) {
    const auto* const object = of.if_object();
    const auto* const all = object == nullptr ? nullptr : object->if_contains("settings");
    if (all == nullptr || !all->is_array()) return "-";
    std::string out;
    for (const auto& s : all->get_array())
        if (member(s, "origin") != "default")
            out += (out.empty() ? "" : " ") + member(s, "name") + '=' + member(s, "value");
    return out.empty() ? "-" : out;
}

int list(const control_folder& folder, bool secrets, bool as_json) {
    auto answers = ask_all(folder, folder.processes(), "info", secrets);
    std::erase_if(answers, [](const answer& a) { return a.ec == asio::error::connection_refused; });
    int code = good;
    if (as_json) {
        json::array all;
        for (auto& a : answers) {
            if (a.ec) code = complain(why(a), failure);
            if (a.ec || !a.value.is_object()) continue;
            a.value.get_object().erase("log");
            if (!secrets) a.value.get_object().erase("settings");
            all.push_back(std::move(a.value));
        }
        std::cout << json::serialize(all) << '\n';
        return code;
    }
    std::vector<std::vector<table_cell>> rows{{{"PID", 1},
                                               {"STATE", 1},
                                               {"UPTIME", 1},
                                               {"RESTARTS", 1},
                                               {"PEERS", 1},
                                               {"MEMORY", 1},
                                               {"ADDRESSES", 1}}};
    if (secrets) rows[0].push_back({"SETTINGS", 1});
    for (const auto& a : answers) {
        if (a.ec) {
            code = complain(why(a), failure);
            continue;
        }
        const auto state = member(a.value, "state");
        rows.push_back({{std::to_string(a.pid)},
                        {state, colour_of(state)},
                        {readable_time(std::chrono::seconds{number(a.value, "uptime")})},
                        {member(a.value, "restarts")},
                        {member(a.value, "peers")},
                        {readable_size(static_cast<std::uint64_t>(number(a.value, "memory")))},
                        {member(a.value, "addresses")}});
        if (secrets) rows.back().push_back({changed_settings(a.value)});
    }
    if (rows.size() == 1 && code == good)
        std::cout << "no server runs in the background\n";
    else
        std::cout << text_table(rows, shows_colours(STDOUT_FILENO));
    return code;
}

int info(const control_folder& folder, const std::string& which, bool secrets, bool as_json) {
    const auto pid = control_folder::parse_pid(which);
    if (!pid) return complain("'" + which + "' is not a process id", wrong_usage);
    const auto a = ask_all(folder, {*pid}, "info", secrets).front();
    if (a.ec) return complain(why(a), failure);
    if (as_json) {
        std::cout << json::serialize(a.value) << '\n';
        return good;
    }
    const bool colours = shows_colours(STDOUT_FILENO);
    const auto state = member(a.value, "state");
    std::cout << text_table(
        {{{"pid", 1}, {std::to_string(a.pid)}},
         {{"worker", 1}, {member(a.value, "worker")}},
         {{"state", 1}, {state, colour_of(state)}},
         {{"created", 1}, {member(a.value, "created")}},
         {{"uptime", 1}, {readable_time(std::chrono::seconds{number(a.value, "uptime")})}},
         {{"restarts", 1}, {member(a.value, "restarts")}},
         {{"peers", 1}, {member(a.value, "peers")}},
         {{"memory", 1}, {readable_size(static_cast<std::uint64_t>(number(a.value, "memory")))}},
         {{"cpu", 1}, {member(a.value, "cpu_ms") + " ms"}},
         {{"addresses", 1}, {member(a.value, "addresses")}},
         {{"settings", 1}, {changed_settings(a.value)}}},
        colours);
    const auto* const object = a.value.if_object();
    const auto* const log = object == nullptr ? nullptr : object->if_contains("log");
    if (log != nullptr && log->is_array() && !log->get_array().empty()) {
        std::vector<std::vector<table_cell>> lines{{{"log", 1}}};
        for (const auto& line : log->get_array()) lines.push_back({{text_of(line)}});
        std::cout << text_table(lines, colours);
    }
    return good;
}

int run(const std::vector<std::string>& words) {
    const auto& command = words.front();
    CLI::App app{"", "sigfire " + command};
    app.set_help_flag("--help", "print this help and end");
    app.set_version_flag("--version", program_version());
    start_options o;
    std::string which;
    bool secrets = false;
    app.add_option(
        "--control", o.control,
        "folder of the control sockets (default: sigfire in XDG_RUNTIME_DIR, or /tmp/sigfire-UID)");
    app.add_flag("-j,--json", o.json, "print JSON, for scripts");
    if (command == "start") {
        app.description("Start a server in the background. All options of serve are accepted too.");
        app.add_option("-c,--config", o.config, "JSON file with options of serve");
        app.add_option("-p,--port", o.port, "port for WebSockets; 0 = any free port (default 3003)");
        app.add_option("-h,--host", o.host, "numeric address for WebSockets (default 127.0.0.1)");
        app.add_option("-P,--path", o.path, "path for WebSockets; other paths get 404 (default: any)");
        app.add_option("--log", o.log,
                       "file to which the log is appended (default: none; info shows the last lines)");
        app.allow_extras();
    } else if (command == "stop") {
        app.description(
            "Stop a server in the background, or all, and wait for the end. A second stop ends at once.");
        app.add_option("pid", which, "process id, or all")->required();
    } else {
        app.description(command == "list" ? "List the servers in the background."
                                          : "Tell about a server in the background.");
        app.add_flag("-t,--tokens", secrets, "show settings with tokens and other secrets");
        if (command == "info") app.add_option("pid", which, "process id")->required();
    }
    std::vector<std::string> rest{words.rbegin(), words.rend() - 1};
    try {
        app.parse(rest);
    } catch (const CLI::Success& e) {
        return app.exit(e);
    }
    if (command == "start") return start(o, app.remaining());
    const control_folder folder{o.control};
    if (command == "stop") return stop(folder, which, o.json);
    if (command == "list") return list(folder, secrets, o.json);
    return info(folder, which, secrets, o.json);
}

} // namespace

bool is_background_command(const std::string& word) {
    return word == "start" || word == "stop" || word == "list" || word == "info";
}

int background_command(const std::vector<std::string>& words) {
    try {
        const int code = run(words);
        std::cout.flush();
        return code;
    } catch (const CLI::Error& e) {
        return complain(e.what(), wrong_usage);
    } catch (const std::exception& e) {
        return complain(e.what(), failure);
    }
}
