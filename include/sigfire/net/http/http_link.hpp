// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/tls/tls_context.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Where a connection goes.
struct http_route {
    std::string host, port;    ///< the first hop: the server or a proxy
    std::string tunnel{};      ///< `host:port` to which that proxy opens a tunnel; empty = no tunnel
    std::string credentials{}; ///< value of `Proxy-Authorization` for the tunnel; empty = none
    std::string tls_name{};    ///< name that the server's certificate must hold for; empty = no TLS
};

/// One connection of an `http_client`. Each function ends by its callback, also after `cancel`. The owner
/// runs one function at a time.
class http_link : public std::enable_shared_from_this<http_link> {
    using tcp = boost::asio::ip::tcp;
    using verb = boost::beast::http::verb;

public:
    using request = boost::beast::http::request<boost::beast::http::string_body>;
    using parser = boost::beast::http::response_parser<boost::beast::http::string_body>;

    /// The outcome of an exchange.
    struct outcome {
        error_code failed{};
        bool begun = false; ///< whether a byte of the answer came
        bool kept = false;  ///< whether the connection can carry another request
        boost::beast::http::response<boost::beast::http::string_body> answer{};
    };

    http_link(const boost::asio::any_io_executor& executor, std::uint32_t header, std::uint64_t body)
        : socket_{executor}, resolver_{executor}, header_{header}, body_{body},
          buffer_{static_cast<std::size_t>(header) + 65536} {}

    /// Connects: looks up the name, opens the connection and the tunnel, and makes the TLS handshake.
    /// `tls` is needed with `tls_name` and has to outlive the link. `why` is OpenSSL's reason of a failure.
    void open(const http_route& to, boost::asio::ssl::context* tls,
              std::function<void(error_code, std::string why)> done) {
        route_ = to;
        context_ = tls;
        opened_ = std::move(done);
        resolver_.async_resolve(
            to.host, to.port,
            [self = shared_from_this()](error_code ec, const tcp::resolver::results_type& all) {
                if (self->ended(ec)) return;
                boost::asio::async_connect(self->socket_, all,
                                           [self](error_code failed, const tcp::endpoint&) {
                                               if (self->ended(failed)) return;
                                               error_code ignored;
                                               self->socket_.set_option(tcp::no_delay{true}, ignored);
                                               self->dig();
                                           });
            });
    }

    /// Sends `r` and reads the answer.
    void exchange(request r, std::function<void(outcome)> done) {
        watched_ = nullptr;
        error_code ignored;
        socket_.cancel(ignored);
        request_ = std::move(r);
        exchanged_ = std::move(done);
        interim_ = 0;
        if (tls_)
            send(*tls_);
        else
            send(socket_);
    }

    /// Calls `gone()` when the idle connection ends, or when the server sends what nobody asked for.
    void watch(std::function<void()> gone) {
        watched_ = std::move(gone);
        socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this(), n = ++watches_](error_code) {
            if (self->watched_ && n == self->watches_) std::exchange(self->watched_, nullptr)();
        });
    }

    /// Closes the connection. A running function ends with `operation_aborted`.
    void cancel() {
        cancelled_ = true;
        watched_ = nullptr;
        resolver_.cancel();
        error_code ignored;
        socket_.close(ignored);
    }

private:
    bool ended(error_code ec) {
        if (cancelled_ && !ec) ec = boost::asio::error::operation_aborted;
        if (ec) tell_opened(ec, {});
        return ec.failed();
    }
    void tell_opened(error_code ec, std::string why) {
        if (const auto f = std::exchange(opened_, nullptr)) f(ec, std::move(why));
    }

    // The request for the tunnel (RFC 9110, 9.3.6).
    void dig() {
        if (route_.tunnel.empty()) return secure();
        asked_.emplace(verb::connect, route_.tunnel, 11);
        asked_->set(boost::beast::http::field::host, route_.tunnel);
        if (!route_.credentials.empty())
            asked_->set(boost::beast::http::field::proxy_authorization, route_.credentials);
        const auto self = shared_from_this();
        boost::beast::http::async_write(socket_, *asked_, [self](error_code ec, std::size_t) {
            if (self->ended(ec)) return;
            self->told_.emplace();
            self->told_->header_limit(self->header_);
            self->told_->skip(true);
            boost::beast::http::async_read_header(
                self->socket_, self->buffer_, *self->told_, [self](error_code failed, std::size_t) {
                    // The server of the tunnel speaks after the client: more bytes come from the proxy.
                    const bool stands =
                        !failed && self->told_->get().result_int() / 100 == 2 && self->buffer_.size() == 0;
                    if (failed == boost::asio::error::operation_aborted || self->cancelled_)
                        return void(self->ended(boost::asio::error::operation_aborted));
                    if (!stands) return void(self->ended(errc::proxy_refused));
                    self->secure();
                });
        });
    }

    void secure() {
        if (route_.tls_name.empty()) return tell_opened({}, {});
        tls_.emplace(socket_, *context_);
        expect_server(tls_->native_handle(), route_.tls_name, true);
        tls_->async_handshake(boost::asio::ssl::stream_base::client, [self =
                                                                          shared_from_this()](error_code ec) {
            if (!ec || self->cancelled_ || ec == boost::asio::error::operation_aborted)
                return self->ended(ec) ? void() : self->tell_opened({}, {});
            const auto verified = SSL_get_verify_result(self->tls_->native_handle());
            self->tell_opened(errc::tls_failed,
                              verified == X509_V_OK ? ec.message() : X509_verify_cert_error_string(verified));
        });
    }

    template <class Stream>
    void send(Stream& stream) {
        boost::beast::http::async_write(
            stream, request_, [self = shared_from_this(), &stream](error_code ec, std::size_t) {
                // A server may refuse a request before it has read all of it: the answer says more than the
                // end.
                if (ec && (self->cancelled_ || ec == boost::asio::error::operation_aborted))
                    return self->tell({boost::asio::error::operation_aborted});
                self->unsent_ = ec.failed();
                self->receive(stream);
            });
    }

    template <class Stream>
    void receive(Stream& stream) {
        parser_.emplace();
        parser_->header_limit(header_);
        parser_->body_limit(body_);
        parser_->skip(request_.method() == verb::head);
        boost::beast::http::async_read(
            stream, buffer_, *parser_, [self = shared_from_this(), &stream](error_code ec, std::size_t read) {
                outcome out;
                auto& p = *self->parser_;
                out.begun = read != 0 || self->interim_ != 0 || p.got_some();
                if (self->cancelled_)
                    out.failed = boost::asio::error::operation_aborted;
                else if (ec)
                    out.failed = named(ec);
                else if (const auto status = p.get().result_int(); status / 100 == 1) {
                    if (status != 101 && ++self->interim_ <= 8) return self->receive(stream);
                    out.failed = errc::protocol_violation;
                } else {
                    out.kept = p.keep_alive() && !self->unsent_ && self->buffer_.size() == 0;
                    out.answer = p.release();
                }
                self->tell(std::move(out));
            });
    }

    void tell(outcome out) {
        if (const auto f = std::exchange(exchanged_, nullptr)) f(std::move(out));
    }

    // The failures of Beast and of TLS in the words of sigfire.
    static error_code named(error_code ec) {
        namespace http = boost::beast::http;
        if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
            return errc::header_too_large;
        if (ec == http::error::body_limit) return errc::too_large;
        if (ec == http::error::end_of_stream || ec == http::error::partial_message ||
            ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset ||
            ec == boost::asio::error::broken_pipe || ec == boost::asio::ssl::error::stream_truncated)
            return errc::lost;
        if (ec.category() == http::make_error_code(http::error::end_of_stream).category())
            return errc::protocol_violation;
        if (ec.category() == boost::asio::error::get_ssl_category()) return errc::tls_failed;
        return ec;
    }

    boost::asio::ip::tcp::socket socket_;
    tcp::resolver resolver_;
    std::uint32_t header_;
    std::uint64_t body_;
    http_route route_;
    boost::asio::ssl::context* context_ = nullptr;
    std::optional<boost::asio::ssl::stream<tcp::socket&>> tls_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request<boost::beast::http::empty_body>> asked_;
    std::optional<boost::beast::http::response_parser<boost::beast::http::empty_body>> told_;
    request request_;
    std::optional<parser> parser_;
    std::function<void(error_code, std::string)> opened_;
    std::function<void(outcome)> exchanged_;
    std::function<void()> watched_;
    std::uint64_t watches_ = 0;
    unsigned interim_ = 0;
    bool cancelled_ = false, unsent_ = false;
};

} // namespace sigfire::inline v0_1::detail
