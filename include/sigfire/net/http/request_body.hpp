// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Whether a request announces a body.
inline bool has_body(const request& r) {
    const auto length = r["Content-Length"];
    return !r["Transfer-Encoding"].empty() || (!length.empty() && length != "0");
}

/// Reads the body of one HTTP request, with a length or in chunks. Beast parses the grammar.
class request_body final : public boost::beast::http::basic_parser<true> {
    using string_view = boost::beast::string_view;
    using error = boost::beast::error_code;

public:
    enum class verdict : unsigned char { incomplete, good, bad, too_large };

    /// Reads a whole request, header and body, from the front of `block`. The header must be complete.
    /// `limit` is the largest body in bytes.
    verdict read(std::string_view block, std::size_t limit) {
        this->eager(true);
        this->header_limit(static_cast<std::uint32_t>(std::max<std::size_t>(block.size(), 1)));
        this->body_limit(limit);
        while (!this->is_done()) {
            error ec;
            const auto rest = block.substr(size_);
            const auto n = this->put(boost::asio::buffer(rest.data(), rest.size()), ec);
            size_ += n;
            if (ec == boost::beast::http::error::body_limit) return verdict::too_large;
            if (ec == boost::beast::http::error::need_more || (!ec && n == 0)) return verdict::incomplete;
            if (ec) return verdict::bad;
        }
        return verdict::good;
    }

    /// Bytes of the whole request.
    std::size_t size() const noexcept { return size_; }
    std::string_view body() const noexcept { return body_; }

private:
    std::size_t add(string_view s) {
        body_.append(s.data(), s.size());
        return s.size();
    }

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error&) override {}
    void on_field_impl(boost::beast::http::field, string_view, string_view, error&) override {}
    void on_response_impl(int, string_view, int, error&) override {}
    void on_header_impl(error&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error&) override {}
    std::size_t on_body_impl(string_view s, error&) override { return add(s); }
    void on_chunk_header_impl(std::uint64_t, string_view, error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view s, error&) override { return add(s); }
    void on_finish_impl(error&) override {}

    std::string body_;
    std::size_t size_ = 0;
};

} // namespace sigfire::inline v0_1::detail
