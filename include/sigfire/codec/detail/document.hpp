// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/msgpack/write.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

/** One interface to write maps and arrays in both formats. The caller gives the number of parts first,
 *  because MessagePack writes the number first. Then the caller gives each name and value in order. */
namespace sigfire::inline v0_1::detail {

template <class Sink>
class json_document {
public:
    static constexpr wire_id format = wire_id::json;

    explicit json_document(Sink sink) : out_(sink) {}

    void map(std::size_t) { open("{"); }
    void end_map() { close("}"); }
    void array(std::size_t) { open("["); }
    void end_array() { close("]"); }

    template <std::size_t N>
    void name(const char (&plain)[N]) {
        next();
        out_.literal("\"");
        out_.literal(plain);
        out_.literal("\":");
        comma_ = false;
    }

    void text(std::string_view s) {
        next();
        out_.string(s);
    }
    /// Writes a text that needs no escapes.
    void plain(std::string_view s) {
        next();
        out_.literal("\"");
        out_.raw(s);
        out_.literal("\"");
    }
    void number(std::uint64_t n) {
        next();
        out_.number(n);
    }
    void integer(std::int64_t n) {
        next();
        out_.number(n);
    }
    void boolean(bool b) {
        next();
        out_.boolean(b);
    }
    void nil() { raw("null"); }
    /// Writes JSON unchanged.
    void raw(std::string_view s) {
        next();
        out_.raw(s);
    }

    std::size_t size() const noexcept { return out_.size(); }

private:
    void next() {
        if (std::exchange(comma_, true)) out_.literal(",");
    }
    void open(const char (&bracket)[2]) {
        next();
        out_.literal(bracket);
        comma_ = false;
    }
    void close(const char (&bracket)[2]) {
        out_.literal(bracket);
        comma_ = true;
    }

    json_writer<Sink> out_;
    bool comma_ = false; // whether the next name or value needs a comma
};

template <class Sink>
class msgpack_document {
public:
    static constexpr wire_id format = wire_id::msgpack;

    explicit msgpack_document(Sink sink) : out_(sink) {}

    void map(std::size_t n) { out_.map(n); }
    void end_map() {}
    void array(std::size_t n) { out_.array(n); }
    void end_array() {}

    template <std::size_t N>
    void name(const char (&plain)[N]) {
        out_.text({plain, N - 1});
    }

    void text(std::string_view s) { out_.text(s); }
    void plain(std::string_view s) { out_.text(s); }
    void number(std::uint64_t n) { out_.number(n); }
    void integer(std::int64_t n) { n < 0 ? out_.negative(n) : out_.number(static_cast<std::uint64_t>(n)); }
    void boolean(bool b) { out_.boolean(b); }
    void nil() { out_.nil(); }
    void raw(std::string_view s) { out_.raw(s); }

    std::size_t size() const noexcept { return out_.size(); }

private:
    msgpack_writer<Sink> out_;
};

} // namespace sigfire::inline v0_1::detail
