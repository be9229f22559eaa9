// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "supervisor.hpp"
#include "line_tail.hpp"
#include "restart_policy.hpp"

#include <sigfire/core/error.hpp>
#include <sigfire/rpc/rpc.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::local::stream_protocol;
using steady = std::chrono::steady_clock;

std::string utc(std::time_t t) {
    char text[32];
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Variables by which a parent or a service manager speaks to one process.
bool is_for_this_process(std::string_view variable) {
    for (const std::string_view begin : {"NODE_CHANNEL_", "NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"})
        if (variable.starts_with(begin)) return true;
    return false;
}

struct usage {
    std::uint64_t memory = 0; // bytes
    std::uint64_t cpu = 0;    // milliseconds
};

usage usage_of(pid_t pid) {
    const auto folder = "/proc/" + std::to_string(pid);
    usage out;
    std::uint64_t pages = 0;
    std::ifstream{folder + "/statm"} >> pages >> pages;
    out.memory = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::ifstream file{folder + "/stat"};
    std::string stat{std::istreambuf_iterator<char>{file}, {}};
    std::istringstream rest{
        stat.substr(std::min(stat.rfind(')') + 1, stat.size()))}; // the name may have spaces
    std::string skipped;
    for (int i = 0; i < 11; ++i) rest >> skipped; // fields 3 to 13 of proc(5)
    std::uint64_t user = 0, system = 0;
    if (rest >> user >> system)
        out.cpu = (user + system) * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return out;
}

class supervisor {
public:
    explicit supervisor(const supervisor_options& o) : o_{o}, socket_{o.folder.socket_of(::getpid())} {}

    int run() {
        const auto before = ::umask(0177); // the socket is for its owner only
        acceptor_.open();
        acceptor_.bind(stream_protocol::endpoint{socket_});
        acceptor_.listen();
        ::umask(before);
        open_log();
        accept();
        wait_for_signals();
        wait_for_levels();
        wait_for_children();
        launch();
        io_.run();
        return exit_status_;
    }

private:
    static constexpr std::size_t most_sessions = 32;

    // --- the worker ---

    void launch() {
        int channel[2], err[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) return fail(errno);
        if (::pipe2(err, O_CLOEXEC) != 0) {
            const int why = errno;
            for (const int fd : channel) ::close(fd);
            return fail(why);
        }
        const int failed = spawn(channel[1], err[1]);
        ::close(channel[1]);
        ::close(err[1]);
        errors_.emplace(io_, err[0]);
        worker_rpc_ = std::make_unique<sigfire::rpc>(
            io_, sigfire::rpc_options{.call_timeout = std::chrono::seconds{2}});
        if (worker_rpc_->adopt(channel[0])) ::close(channel[0]);
        worker_rpc_->on("started", [this](std::vector<std::string> addresses) {
            addresses_ = std::move(addresses);
            policy_.serves();
            json::array list(addresses_.begin(), addresses_.end());
            report(json::object{{"addresses", std::move(list)}});
        });
        begun_ = steady::now();
        addresses_.clear();
        policy_.started(begun_);
        if (failed != 0) {
            tail_.add("cannot start the program: " + std::string{std::strerror(failed)} + '\n');
            worker_ = 0;
            status_ = 1;
        }
        read_errors();
    }

    // Returns 0 or the error.
    int spawn(int channel, int err) {
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
        ::posix_spawn_file_actions_adddup2(&files, channel, 3);
        posix_spawnattr_t how;
        ::posix_spawnattr_init(&how);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&how, &none);
        ::posix_spawnattr_setsigdefault(&how, &all);
        ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<std::string> environment;
        for (char** e = environ; *e != nullptr; ++e)
            if (!is_for_this_process(*e)) environment.emplace_back(*e);
        environment.emplace_back("NODE_CHANNEL_FD=3");
        std::vector<std::string> words{"sigfire"};
        words.insert(words.end(), o_.words.begin(), o_.words.end());
        const auto pointers = [](std::vector<std::string>& from) {
            std::vector<char*> out;
            for (auto& s : from) out.push_back(s.data());
            out.push_back(nullptr);
            return out;
        };
        const int failed = ::posix_spawn(&worker_, "/proc/self/exe", &files, &how, pointers(words).data(),
                                         pointers(environment).data());
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&how);
        return failed;
    }

    void read_errors() {
        errors_->async_read_some(asio::buffer(bytes_), [this](sigfire::error_code ec, std::size_t n) {
            if (ec) {
                errors_.reset();
                return settle();
            }
            tail_.add({bytes_, n});
            if (log_ >= 0) static_cast<void>(!::write(log_, bytes_, n));
            read_errors();
        });
    }

    void reap() {
        int how = 0;
        if (worker_ == 0 || ::waitpid(worker_, &how, WNOHANG) != worker_) return;
        worker_ = 0;
        status_ = WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
        settle();
    }

    // The worker has ended, and all that it wrote is read.
    void settle() {
        if (worker_ != 0 || errors_) return;
        kill_.cancel();
        worker_rpc_.reset();
        addresses_.clear();
        if (stopping_) return finish(0);
        const auto pause = policy_.ended(steady::now(), status_);
        if (!pause) return finish(status_ < 0 ? 1 : status_);
        waiting_ = true;
        again_.expires_after(*pause);
        again_.async_wait([this](sigfire::error_code ec) {
            if (ec) return;
            waiting_ = false;
            launch();
        });
    }

    void stop() {
        if (worker_ == 0) {
            again_.cancel();
            const bool first = !std::exchange(stopping_, true);
            if (first && !errors_) finish(0);
            return;
        }
        ::kill(worker_, SIGTERM); // a second one ends it at once
        if (std::exchange(stopping_, true)) return;
        kill_.expires_after(o_.stop_limit);
        kill_.async_wait([this](sigfire::error_code ec) {
            if (!ec && worker_ != 0) ::kill(worker_, SIGKILL);
        });
    }

    void reload() {
        open_log();
        if (worker_ != 0) ::kill(worker_, SIGHUP);
    }

    void fail(int error) {
        tail_.add(std::string{"cannot start a worker: "} + std::strerror(error) + '\n');
        worker_ = 0;
        status_ = 1;
        errors_.reset();
        settle();
    }

    // --- reports ---

    void report(const json::object& what) {
        const int fd = std::exchange(report_, -1);
        if (fd < 0) return;
        const auto line = json::serialize(what) + '\n';
        static_cast<void>(!::write(fd, line.data(), line.size()));
        ::close(fd);
    }

    void finish(int status) {
        exit_status_ = status;
        over_ = true;
        const auto& lines = tail_.lines();
        report(json::object{{"status", status}, {"error", lines.empty() ? "" : lines.back()}});
        acceptor_.close();
        ::unlink(socket_.c_str());
        signals_.cancel();
        levels_.cancel();
        children_.cancel();
        ended_.cancel(); // wakes the commands that wait for it
        if (sessions_.empty()) return;
        // The other sides leave once they have their replies.
        again_.expires_after(std::chrono::seconds{1});
        again_.async_wait([this](sigfire::error_code) { sessions_.clear(); });
    }

    void open_log() {
        if (log_ >= 0) ::close(std::exchange(log_, -1));
        if (!o_.log.empty())
            log_ = ::open(o_.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    }

    // --- the control socket ---

    void accept() {
        acceptor_.async_accept([this](sigfire::error_code ec, stream_protocol::socket s) {
            if (!acceptor_.is_open()) return;
            if (!ec && sessions_.size() < most_sessions) serve(std::move(s));
            if (!ec) return accept();
            // Without descriptors, a loop would turn here.
            pause_.expires_after(std::chrono::milliseconds{100});
            pause_.async_wait([this](sigfire::error_code stopped) {
                if (!stopped && acceptor_.is_open()) accept();
            });
        });
    }

    void serve(stream_protocol::socket s) {
        sigfire::error_code ec;
        const int fd = s.release(ec);
        if (ec) return;
        const auto at = sessions_.emplace(sessions_.end(), io_);
        at->define("info", [this](bool secrets) { return info(secrets); });
        at->define("stop", [this] { return stopped(); });
        at->define("reload", [this] { reload(); });
        if (at->adopt(fd)) {
            ::close(fd);
            sessions_.erase(at);
            return;
        }
        at->wait([this, at](sigfire::error_code why) {
            if (why == asio::error::operation_aborted) return; // the list is cleared
            sessions_.erase(at);
            if (over_ && sessions_.empty()) again_.cancel();
        });
    }

    asio::awaitable<void> stopped() {
        stop();
        if (!over_) co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    std::string state() const {
        return stopping_ ? "stopping" : waiting_ ? "waiting" : addresses_.empty() ? "starting" : "running";
    }

    asio::awaitable<json::value> info(bool secrets) {
        json::object live;
        if (worker_rpc_ && worker_rpc_->connected() && !addresses_.empty()) {
            auto [ec, told] =
                co_await worker_rpc_->call<json::value>("info", secrets, asio::as_tuple(asio::use_awaitable));
            if (!ec && told.is_object()) live = std::move(told.as_object());
        }
        const auto used = worker_ == 0 ? usage{} : usage_of(worker_);
        const auto up = std::chrono::duration_cast<std::chrono::seconds>(steady::now() - begun_).count();
        json::object out{{"pid", ::getpid()},
                         {"state", state()},
                         {"created", utc(created_)},
                         {"uptime", worker_ == 0 ? 0 : up},
                         {"restarts", policy_.restarts()},
                         {"worker", worker_ == 0 ? json::value{} : json::value{worker_}},
                         {"addresses", json::array(addresses_.begin(), addresses_.end())},
                         {"memory", used.memory},
                         {"cpu_ms", used.cpu}};
        for (const char* name : {"peers", "settings"}) {
            const auto* const value = live.if_contains(name);
            out[name] = value == nullptr ? json::value{} : *value;
        }
        out["log"] = json::array(tail_.lines().begin(), tail_.lines().end());
        co_return out;
    }

    void wait_for_signals() {
        signals_.async_wait([this](sigfire::error_code ec, int which) {
            if (ec) return;
            which == SIGHUP ? reload() : stop();
            if (!over_) wait_for_signals();
        });
    }
    void wait_for_levels() {
        levels_.async_wait([this](sigfire::error_code ec, int which) {
            if (ec) return;
            if (worker_ != 0) ::kill(worker_, which);
            if (!over_) wait_for_levels();
        });
    }
    void wait_for_children() {
        children_.async_wait([this](sigfire::error_code ec, int) {
            if (ec) return;
            reap();
            if (!over_) wait_for_children();
        });
    }

    const supervisor_options& o_;
    const std::string socket_;
    asio::io_context io_{1};
    stream_protocol::acceptor acceptor_{io_};
    asio::signal_set signals_{io_, SIGTERM, SIGINT, SIGHUP}, levels_{io_, SIGUSR1, SIGUSR2},
        children_{io_, SIGCHLD};
    asio::steady_timer again_{io_}, kill_{io_}, pause_{io_};
    asio::steady_timer ended_{io_, asio::steady_timer::time_point::max()};
    std::optional<asio::posix::stream_descriptor> errors_;
    std::unique_ptr<sigfire::rpc> worker_rpc_;
    std::list<sigfire::rpc> sessions_;
    restart_policy policy_;
    line_tail tail_;
    std::vector<std::string> addresses_;
    steady::time_point begun_ = steady::now();
    const std::time_t created_ = std::time(nullptr);
    char bytes_[4096];
    pid_t worker_ = 0;
    int status_ = 0, exit_status_ = 0, log_ = -1, report_ = o_.report;
    bool stopping_ = false, waiting_ = false, over_ = false;
};

} // namespace

int supervise(const supervisor_options& o) {
    try {
        return supervisor{o}.run();
    } catch (const std::exception& e) {
        const auto line = json::serialize(json::object{{"status", 1}, {"error", e.what()}}) + '\n';
        static_cast<void>(!::write(o.report, line.data(), line.size()));
        return 1;
    }
}
