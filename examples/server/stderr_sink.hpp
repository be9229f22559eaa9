// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include <limits.h>
#include <poll.h>
#include <unistd.h>

/// A sink of spdlog that writes lines to a descriptor and never waits for its reader. Without room, a line is
/// lost. The next line that finds room follows a line with the number of lost lines. One thread.
class stderr_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit stderr_sink(int descriptor = STDERR_FILENO) : descriptor_{descriptor} {}

private:
    void sink_it_(const spdlog::details::log_msg& m) override {
        write_rest();
        if (!rest_.empty()) {
            ++lost_;
            return;
        }
        if (lost_ != 0)
            rest_ = R"({"level":"warn","event":"log_lines_lost","count":")" + std::to_string(lost_) + "\"}\n";
        lost_ = 0;
        spdlog::memory_buf_t line;
        this->formatter_->format(m, line);
        rest_.append(line.data(), line.size());
        write_rest();
    }
    void flush_() override { write_rest(); }

    // A pipe with room takes PIPE_BUF bytes at once. The rest of a line is kept, so that lines stay whole.
    void write_rest() {
        std::size_t done = 0;
        while (done != rest_.size() && has_room()) {
            const auto n = ::write(descriptor_, rest_.data() + done, std::min(rest_.size() - done, most));
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
            // After any other error, the descriptor has no reader.
            done = n < 0 ? rest_.size() : done + static_cast<std::size_t>(n);
        }
        rest_.erase(0, done);
    }

    bool has_room() const {
        pollfd asked{descriptor_, POLLOUT, 0};
        return ::poll(&asked, 1, 0) == 1;
    }

    static constexpr std::size_t most = PIPE_BUF;
    int descriptor_;
    std::string rest_; // rest of a line
    std::uint64_t lost_ = 0;
};
