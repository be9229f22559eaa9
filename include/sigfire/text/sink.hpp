// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

/** Where writers put their output. */
namespace sigfire::detail {

/// Counts the bytes written.
class count_sink {
public:
    void operator()(const char*, std::size_t n) noexcept { size_ += n; }
    std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_ = 0;
};

/// Writes to memory, of which there is enough.
class memory_sink {
public:
    explicit memory_sink(char* p) noexcept : begin_(p), p_(p) {}

    void operator()(const char* bytes, std::size_t n) noexcept {
        // Ids have some 20 bytes: two moves instead of a call.
        if (n - 16 <= 16) {
            std::memcpy(p_, bytes, 16);
            std::memcpy(p_ + n - 16, bytes + n - 16, 16);
        } else if (n != 0) {
            std::memcpy(p_, bytes, n);
        }
        p_ += n;
    }
    std::size_t size() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

private:
    char* begin_;
    char* p_;
};

/// Appends to a string.
class string_sink {
public:
    explicit string_sink(std::string& out) noexcept : out_(&out) {}

    void operator()(const char* bytes, std::size_t n) { out_->append(bytes, n); }
    std::size_t size() const noexcept { return out_->size(); }

private:
    std::string* out_;
};

} // namespace sigfire::detail
