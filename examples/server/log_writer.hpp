// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "line_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

/** Writes lines to a descriptor in a thread of its own. Lines stay whole and in order. Without room, a line
 *  is lost; the thread then writes the number of lost lines behind the lines that it has.
 *
 *  `push` never waits for the reader of the descriptor. The members are thread-safe. */
class log_writer {
public:
    /// Writes the line that reports lost lines into `out`.
    using lost_report = std::function<void(std::string& out, std::uint64_t lost)>;
    /// Runs in the thread about a second after `remind`, or before the thread ends: then `last` is true.
    /// Returns whether to run again in a second.
    using chore = std::function<bool(bool last)>;

    /** Starts the thread.
     *  @param descriptor must stay open as long as the process
     *  @param bytes most bytes that wait; as many again may be in the thread's hands
     *  @param lines most lines that wait
     *  @param report makes the line for lost lines */
    log_writer(int descriptor, std::size_t bytes, std::size_t lines, lost_report report)
        : desk_{std::make_shared<desk>(descriptor, bytes, lines, std::move(report))} {
        // Signals are for the thread of the loop.
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread{[d = desk_] { d->run(); }};
        } catch (...) {
            ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw;
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    log_writer(const log_writer&) = delete;
    log_writer& operator=(const log_writer&) = delete;
    /// Calls `stop`.
    ~log_writer() { stop(); }

    /// Gives the thread a line with its line break. Returns false if the line is lost.
    bool push(std::string_view line) {
        bool taken = false;
        {
            const std::lock_guard lock{desk_->mutex};
            taken = desk_->queue.push(line);
        }
        desk_->wake.notify_one();
        return taken;
    }

    /// Counts a line that could not be made.
    void lose() noexcept {
        const std::lock_guard lock{desk_->mutex};
        desk_->queue.lose();
    }

    /// Runs `f` in the thread in about a second, unless another function waits for that. `f` does not run
    /// after `stop`.
    void remind(chore f) {
        {
            const std::lock_guard lock{desk_->mutex};
            if (desk_->due) return;
            desk_->due = std::move(f);
            desk_->due_at = clock::now() + std::chrono::seconds{1};
        }
        desk_->wake.notify_one();
    }

    /// Writes the waiting lines, for at most `limit`, and ends the thread. Returns whether everything was
    /// written. Later lines are lost.
    bool stop(std::chrono::milliseconds limit = std::chrono::seconds{2}) {
        if (!thread_.joinable()) return true;
        std::unique_lock lock{desk_->mutex};
        desk_->give_up_at = clock::now() + limit;
        desk_->stopping = true;
        desk_->wake.notify_one();
        // A write to a terminal can block although it had room: such a thread is left behind.
        const bool ended = desk_->ended.wait_for(lock, limit + std::chrono::milliseconds{200},
                                                 [this] { return desk_->over; });
        const bool written = ended && !desk_->gave_up;
        desk_->due = nullptr;
        desk_->abandoned = true;
        lock.unlock();
        ended ? thread_.join() : thread_.detach();
        return written;
    }

private:
    using clock = std::chrono::steady_clock;

    // Shared by both threads, because the writing one may be left behind.
    struct desk {
        desk(int d, std::size_t bytes, std::size_t lines, lost_report r)
            : descriptor{d}, queue{bytes, lines}, tell{std::move(r)} {}

        void run() {
            std::string text;
            std::unique_lock lock{mutex};
            while (true) {
                const auto busy = [this] { return !queue.empty() || stopping; };
                if (!due) wake.wait(lock, [&] { return busy() || due; });
                if (due) wake.wait_until(lock, due_at, busy);
                if (due && (stopping || clock::now() >= due_at)) {
                    const auto f = std::exchange(due, nullptr);
                    const bool last = stopping;
                    lock.unlock();
                    const bool again = f(last);
                    lock.lock();
                    if (again && !stopping && !due) {
                        due = f;
                        due_at = clock::now() + std::chrono::seconds{1};
                    }
                    continue;
                }
                if (abandoned) return;
                if (queue.empty()) {
                    if (!stopping) continue;
                    break;
                }
                const auto lost = queue.take(text);
                lock.unlock();
                if (lost != 0) tell(text, lost);
                const bool good = write_all(text);
                lock.lock();
                if (good) continue;
                gave_up = true;
                break;
            }
            over = true;
            ended.notify_all();
        }

        // Returns false if the reader did not make room before the end.
        bool write_all(std::string_view text) {
            while (!text.empty()) {
                {
                    const std::lock_guard lock{mutex};
                    if (stopping && clock::now() >= give_up_at) return false;
                }
                pollfd asked{descriptor, POLLOUT, 0};
                if (::poll(&asked, 1, 100) != 1) continue;
                // A pipe with room takes PIPE_BUF bytes at once.
                const auto n = ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
                if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
                if (n < 0) return true; // nobody reads it any more
                text.remove_prefix(static_cast<std::size_t>(n));
            }
            return true;
        }

        int descriptor;
        std::mutex mutex;
        std::condition_variable wake, ended;
        line_queue queue;
        lost_report tell;
        chore due;
        clock::time_point due_at{}, give_up_at{};
        bool stopping = false, over = false, gave_up = false, abandoned = false;
    };

    std::shared_ptr<desk> desk_;
    std::thread thread_;
};
