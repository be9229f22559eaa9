// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

/// Outputs for writers.
namespace sigfire::inline v0_1::detail {

/// Counts the bytes written.
class count_sink {
public:
    /// Counts `n` bytes.
    void operator()(const char*, std::size_t n) noexcept { size_ += n; }
    /// Number of bytes written.
    std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_ = 0;
};

/// Writes to memory. The caller provides enough room.
class memory_sink {
public:
    explicit memory_sink(char* p) noexcept : begin_(p), p_(p) {}

    /// Writes `n` bytes.
    void operator()(const char* bytes, std::size_t n) noexcept {
        // Ids have about 20 bytes: two moves instead of a call.
        if (n - 16 <= 16)
            two<16>(bytes, n);
        else if (n > 32)
            std::memcpy(p_, bytes, n);
        else if (n >= 8)
            two<8>(bytes, n);
        else if (n >= 4)
            two<4>(bytes, n);
        else if (n != 0)
            p_[0] = bytes[0], p_[n / 2] = bytes[n / 2], p_[n - 1] = bytes[n - 1];
        p_ += n;
    }
    /// Number of bytes written.
    std::size_t size() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

private:
    // Copies the first and the last `Size` of `n` bytes, which may overlap.
    template <std::size_t Size>
    void two(const char* bytes, std::size_t n) noexcept {
        std::memcpy(p_, bytes, Size);
        std::memcpy(p_ + n - Size, bytes + n - Size, Size);
    }

    char* begin_;
    char* p_;
};

/// Appends to a string, which must outlive the sink.
class string_sink {
public:
    explicit string_sink(std::string& out) noexcept : out_(&out) {}

    /// Appends `n` bytes.
    void operator()(const char* bytes, std::size_t n) { out_->append(bytes, n); }
    /// Size of the string in bytes, including its earlier contents.
    std::size_t size() const noexcept { return out_->size(); }

private:
    std::string* out_;
};

} // namespace sigfire::inline v0_1::detail
