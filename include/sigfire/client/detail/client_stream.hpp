// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_cipher.hpp>
#include <sigfire/client/detail/client_format.hpp>
#include <sigfire/client/detail/client_handshake.hpp>
#include <sigfire/client/detail/client_link.hpp>
#include <sigfire/client/detail/client_proxy.hpp>
#include <sigfire/client/detail/connect_race.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/engine/keep_alive.hpp>
#include <sigfire/net/engine/socket_name.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The bounds of a `client_stream`.
struct client_stream_limits {
    framing_limits framing;
    std::size_t outbox;
    std::size_t header;
    std::chrono::milliseconds address_timeout;
    std::chrono::milliseconds ping_interval; ///< see `keep_alive`
};

/// A link over a stream socket: WebSocket over TCP, or lengths or lines over TCP or a Unix socket. Its user
/// and its pending operations own it together.
class client_stream final : public client_link, public std::enable_shared_from_this<client_stream> {
    using endpoint = boost::asio::generic::stream_protocol::endpoint;
    using tcp = boost::asio::ip::tcp;

public:
    client_stream(const boost::asio::any_io_executor& executor, client_link_events& to,
                  const client_stream_limits& limits)
        : events_{&to}, socket_{executor}, resolver_{executor}, limits_{limits} {}

    /// Makes the link use TLS. Before `open`.
    void secure(std::unique_ptr<client_cipher> cipher) { cipher_ = std::move(cipher); }

    /// Makes the link connect through `proxy`. Call it before `open`.
    void connect_through(http_proxy proxy) { proxy_ = std::move(proxy); }

    /// Makes the link translate its messages. Call it before `open`. `agreed`: from the first message on;
    /// else after the server has chosen the sub-protocol of that format.
    void translate(client_translation by, bool agreed) { (agreed ? translation_ : offered_) = std::move(by); }

    /// Connects to `url`. With an upgrade, `request` is the upgrade request with `key` that offers
    /// `subprotocol`. Without an upgrade, `request` is the first message, or empty.
    void open(const client_url& url, std::string request, std::string key, std::string subprotocol) {
        upgrading_ = url.via == scheme::ws;
        if (upgrading_) framing_.emplace<framing::websocket<framing::role::client>>();
        if (url.lines) framing_.emplace<framing::line>();
        if (upgrading_)
            out_ = std::move(request);
        else if (!request.empty())
            frame(request);
        key_ = std::move(key);
        subprotocol_ = std::move(subprotocol);
        if (url.via == scheme::unix_socket)
            return connect({boost::asio::local::stream_protocol::endpoint{socket_name(url.host)}});
        tcp_ = true;
        if (proxy_) tunnel_ = connect_request(*proxy_, url);
        resolver_.async_resolve(
            proxy_ ? proxy_->host : url.host, proxy_ ? std::to_string(proxy_->port) : url.port,
            tcp::resolver::numeric_service,
            [self = shared_from_this()](error_code ec, const tcp::resolver::results_type& found) {
                if (!self->events_) return;
                if (ec) return self->ended(ec);
                std::vector<endpoint> candidates;
                for (const auto& f : found) candidates.emplace_back(f.endpoint());
                self->connect(std::move(candidates));
            });
    }

    bool send(std::string_view text) override {
        if (out_.size() + sending_.size() > limits_.outbox) return false;
        frame(text);
        write();
        return true;
    }

    void resume() override {
        if (!std::exchange(held_, false)) return;
        const auto alive = shared_from_this();
        if (feed(kept_)) read();
    }

    bool ping() override {
        if (wordless()) return false;
        // If the server reads nothing, its silence shows that it is gone.
        if (ready_ && !upgrading_ && !finishing_ && out_.size() < limits_.outbox)
            control_message(control::ping, 0, {}), write();
        return true;
    }

    void finish() override {
        finishing_ = true;
        control_message(control::close, 1000, {});
        write();
    }

    void abandon(const ending& last_message) override {
        events_ = nullptr;
        // Only bytes that the system takes without waiting, and never into a frame that is half sent.
        if (last_message.close_code != 0 && !upgrading_ && sending_.empty() && socket_.is_open()) {
            if (!finishing_) control_message(control::close, last_message.close_code, last_message.text);
            error_code ignored;
            encipher(true);
            socket_.non_blocking(true, ignored);
            socket_.write_some(boost::asio::buffer(cipher_ ? wire_ : out_), ignored);
        }
        cut();
    }

private:
    struct feeder {
        client_stream& link;

        bool on_message(message m) {
            if (!link.events_->on_message(link.translation_.received(m))) link.held_ = true;
            return link.events_ && !link.held_;
        }
        bool on_control(control c, std::uint16_t code, std::string_view text) {
            return link.on_control(c, code, text);
        }
    };

    void frame(std::string_view json) {
        const auto text = translation_.to_send(json);
        std::visit(
            [&](auto& f) {
                const auto start = out_.size(), head = f.header_bound(text.size());
                out_.resize(start + head + text.size());
                const auto p = out_.data() + start;
                std::memcpy(p + head, text.data(), text.size());
                out_.resize(start + f.seal(translation_.type(), p, head, text.size()));
            },
            framing_);
    }

    void connect(std::vector<endpoint> candidates) {
        race_ = std::make_shared<connect_race>(socket_.get_executor(), std::move(candidates),
                                               limits_.address_timeout);
        race_->start([weak = weak_from_this()](error_code ec, connect_race::socket winner) {
            const auto self = weak.lock();
            if (!self || !self->events_) return;
            self->race_.reset();
            if (ec) return self->ended(ec);
            self->socket_ = std::move(winner);
            self->connected();
        });
    }

    void connected() {
        error_code ignored;
        if (tcp_) {
            socket_.set_option(tcp::no_delay{true}, ignored);
            keep_alive(socket_.native_handle(), limits_.ping_interval);
        }
        if (tunnel_.empty()) {
            begin();
        } else {
            sending_ = tunnel_;
            send_on();
        }
        read();
    }

    // There is a way to the server.
    void begin() {
        if (cipher_) {
            decipher({});
            write();
        } else {
            ready();
        }
    }

    // Takes the proxy's answer, and leaves in `bytes` those of the server; whether to go on.
    bool pass_proxy(std::span<char>& bytes) {
        const auto size = take_head(bytes);
        if (size == 0) return events_ != nullptr;
        if (!tunnel_stands(std::string_view{head_}.substr(0, size))) return ended(errc::proxy_refused), false;
        tunnel_.clear();
        head_ = {};
        begin();
        return true;
    }

    // Whether this wire has no close message. Then the end of the output closes the connection.
    bool wordless() const {
        return !std::holds_alternative<framing::websocket<framing::role::client>>(framing_);
    }

    // Messages can be sent.
    void ready() {
        ready_ = true;
        if (!out_.empty()) write();
        if (!upgrading_) events_->on_open(true);
    }

    void write() {
        if (!sending_.empty()) return;
        encipher(finishing_ && wordless());
        auto& next = cipher_ ? wire_ : out_;
        if (next.empty()) {
            error_code ignored;
            if (finishing_ && wordless()) socket_.shutdown(socket_.shutdown_send, ignored);
            return;
        }
        sending_.swap(next);
        send_on();
    }

    void send_on() {
        boost::asio::async_write(socket_, boost::asio::buffer(sending_),
                                 [self = shared_from_this()](error_code ec, std::size_t) {
                                     self->sending_.clear();
                                     // The reader reports the failure, after the messages that came before.
                                     if (self->events_ && !ec) self->write();
                                 });
    }

    // Encrypts the pending output, and adds the close alert if it is the last.
    void encipher(bool last) {
        if (!cipher_ || !ready_) return;
        if (!out_.empty()) cipher_->send(out_, wire_);
        out_.clear();
        if (last && !std::exchange(said_goodbye_, true)) cipher_->finish(wire_);
    }

    // Puts the plain text of received bytes into said_.
    void decipher(std::span<const char> bytes) {
        said_.clear();
        const auto p = cipher_->receive({bytes.data(), bytes.size()}, said_, wire_);
        end_ = p.end;
        if (p.established) ready();
        if (!wire_.empty()) write();
    }

    void read() {
        if (!events_) return;
        if (end_) return broken(end_);
        socket_.async_read_some(boost::asio::buffer(buffer_),
                                [self = shared_from_this()](error_code ec, std::size_t n) {
                                    if (!self->events_) return;
                                    // With TLS, the end of the stream is proper only after a close alert.
                                    if (ec == boost::asio::error::eof && self->cipher_)
                                        ec = boost::asio::error::connection_reset;
                                    if (ec) return self->broken(ec);
                                    self->events_->on_bytes();
                                    std::span bytes{self->buffer_.data(), n};
                                    if (!self->tunnel_.empty()) {
                                        if (!self->pass_proxy(bytes)) return;
                                        if (bytes.empty()) return self->read();
                                    }
                                    if (self->cipher_) {
                                        self->decipher(bytes);
                                        bytes = self->said_;
                                    }
                                    if (self->upgrading_ ? self->upgrade(bytes) : self->feed(bytes))
                                        self->read();
                                });
    }

    // These functions return whether to read again.

    bool upgrade(std::span<char> bytes) {
        const auto size = take_head(bytes);
        if (size == 0) return events_ != nullptr;
        std::string chosen;
        const auto e = check_response(std::string_view{head_}.substr(0, size), key_, subprotocol_, &chosen);
        if (e != errc::ok) return ended(e), false;
        upgrading_ = false;
        head_ = {};
        const bool translated = offered_ && chosen == offered_.subprotocol();
        if (translated) translation_ = std::move(offered_);
        events_->on_open(translated || chosen == json_client::subprotocol);
        return feed(bytes);
    }

    // Gathers a header of HTTP: its size once it is complete, with those bytes in `bytes` that stand behind
    // it; else 0, without bytes.
    std::size_t take_head(std::span<char>& bytes) {
        const auto before = head_.size();
        head_.append(bytes.data(), bytes.size());
        const auto blank = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        const auto size = blank == head_.npos ? head_.size() : blank + 4;
        if (size > limits_.header) return ended(errc::header_too_large), 0;
        bytes = blank == head_.npos ? std::span<char>{} : bytes.subspan(size - before);
        return blank == head_.npos ? 0 : size;
    }

    bool feed(std::span<char> bytes) {
        if (!events_) return false;
        feeder handler{*this};
        const auto progress =
            std::visit([&](auto& f) { return f.feed(bytes, limits_.framing, handler); }, framing_);
        if (!events_) return false;
        if (progress.error != errc::ok) {
            const auto to = std::exchange(events_, nullptr);
            abandon({0, framing::close_code(progress.error), to_string(progress.error)});
            to->on_end(progress.error, 0);
            return false;
        }
        kept_ = bytes.subspan(progress.consumed);
        return !held_;
    }

    bool on_control(control c, std::uint16_t code, std::string_view text) {
        if (c == control::pong) return true;
        if (c == control::ping) {
            // A server that pings and does not read gets no more pongs.
            if (out_.size() < limits_.outbox && !finishing_) control_message(control::pong, 0, text), write();
            return true;
        }
        const auto why = close_cause(code, text);
        const auto to = std::exchange(events_, nullptr);
        if (code == 0) code = 1005;
        abandon({0, code, {}}); // send the same code back (RFC 6455, 5.5.1)
        to->on_end(why, code);
        return false;
    }

    void control_message(control c, std::uint16_t code, std::string_view text) {
        std::visit(
            [&](auto& f) {
                const auto start = out_.size();
                out_.resize(start + f.control_bound);
                out_.resize(start + f.write_control(c, code, text, out_.data() + start));
            },
            framing_);
    }

    void broken(error_code ec) {
        namespace error = boost::asio::error;
        if (ec == error::eof && wordless() &&
            std::visit([](const auto& f) { return f.incomplete() == 0; }, framing_))
            return ended(errc::closed);
        if (ec == error::eof || ec == error::connection_reset || ec == error::broken_pipe ||
            ec == error::connection_aborted)
            ec = errc::lost;
        ended(ec);
    }

    void ended(error_code why) {
        const auto to = std::exchange(events_, nullptr);
        cut();
        to->on_end(why, 0);
    }

    void cut() {
        error_code ignored;
        resolver_.cancel();
        if (const auto race = std::exchange(race_, nullptr)) race->cancel();
        socket_.close(ignored);
    }

    client_link_events* events_; // null: this link has ended
    boost::asio::generic::stream_protocol::socket socket_;
    tcp::resolver resolver_;
    std::shared_ptr<connect_race> race_; // while the link connects
    client_stream_limits limits_;
    std::variant<framing::length, framing::line, framing::websocket<framing::role::client>> framing_;
    std::string out_, sending_; // bytes to write; bytes that are being written
    std::string head_, key_, subprotocol_;
    std::optional<http_proxy> proxy_;
    std::string tunnel_;             // request to the proxy, until the proxy accepts it
    client_translation translation_; // of the messages
    client_translation offered_;     // used if the server chooses its sub-protocol
    std::span<char> kept_; // bytes behind the message that held reading; they lie in buffer_ or said_
    std::unique_ptr<client_cipher> cipher_; // if the link uses TLS; then:
    std::string said_, wire_;               // plain text received last; encrypted bytes to send
    error_code end_;                        // the end that follows said_
    bool said_goodbye_ = false;
    bool ready_ = false; // the TLS handshake, if any, is complete
    bool tcp_ = false;
    bool upgrading_ = false;
    bool held_ = false;
    bool finishing_ = false;
    std::array<char, 16384> buffer_;
};

} // namespace sigfire::inline v0_1::detail
