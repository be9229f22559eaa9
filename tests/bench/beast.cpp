// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The rival as Beast's examples teach it: tcp_stream, suggested timeouts, a coroutine to read and one to
// write per connection, one async_write per queued message, a JSON document parsed and serialised.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json/src.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <malloc.h>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace json = boost::json;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

std::string new_id() {
    static std::mt19937_64 random{std::random_device{}()};
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string id;
    for (auto bits = random(); id.size() < 21; bits >>= 6) {
        if (id.size() % 10 == 0) bits = random();
        id += alphabet[bits & 63];
    }
    return id;
}

class session : public std::enable_shared_from_this<session> {
public:
    using peers = std::unordered_map<std::string, std::shared_ptr<session>>;

    session(tcp::socket socket, peers& all) : stream_(std::move(socket)), peers_(all) {}

    asio::awaitable<void> run() {
        try {
            stream_.next_layer().socket().set_option(tcp::no_delay(true));
            stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
            co_await stream_.async_accept(use_awaitable);
            stream_.text(true);
            peers_[id_] = shared_from_this();
            send({{"id", new_id()}, {"cmd", "welcome"}, {"data", {{"id", id_}}}});
            beast::flat_buffer buffer;
            for (;;) {
                co_await stream_.async_read(buffer, use_awaitable);
                received(beast::buffers_to_string(buffer.data()));
                buffer.consume(buffer.size());
            }
        } catch (const std::exception&) {}
        peers_.erase(id_);
    }

    void send(const json::object& message) {
        queue_.push_back(json::serialize(message));
        if (queue_.size() == 1)
            asio::co_spawn(
                stream_.get_executor(), [self = shared_from_this()] { return self->write(); },
                asio::detached);
    }

private:
    asio::awaitable<void> write() {
        try {
            for (; !queue_.empty(); queue_.pop_front())
                co_await stream_.async_write(asio::buffer(queue_.front()), use_awaitable);
        } catch (const std::exception&) {}
    }

    void received(const std::string& text) {
        auto value = json::parse(text);
        auto& message = value.as_object();
        const auto& command = message.at("cmd").as_string();
        const char* const payload = command == "offer"    ? "offer"
                                    : command == "answer" ? "answer"
                                    : command == "ice"    ? "candidate"
                                                          : nullptr;
        const auto target = peers_.find(std::string(message.at("target").as_string()));
        if (target == peers_.end()) return refuse(message, "Peer Not Found");
        if (payload && !message.at("data").as_object().contains(payload))
            return refuse(message, "Missing Payload");
        send({{"id", message.at("id")}, {"ok", true}});
        json::object relayed{{"id", new_id()}, {"cmd", command}, {"origin", id_}};
        if (payload) relayed["data"] = std::move(message.at("data"));
        target->second->send(relayed);
    }

    void refuse(const json::object& message, const char* why) {
        send({{"id", message.at("id")}, {"ok", false}, {"data", {{"message", why}}}});
    }

    websocket::stream<beast::tcp_stream> stream_;
    peers& peers_;
    std::string id_ = new_id();
    std::deque<std::string> queue_;
};

asio::awaitable<void> listen(tcp::acceptor& acceptor, session::peers& peers) {
    for (;;) {
        auto accepted = std::make_shared<session>(co_await acceptor.async_accept(use_awaitable), peers);
        asio::co_spawn(acceptor.get_executor(), [accepted] { return accepted->run(); }, asio::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    asio::io_context context{1};
    session::peers peers;
    const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor{context, {asio::ip::make_address("127.0.0.1"), port}};
    asio::co_spawn(context, listen(acceptor, peers), asio::detached);
    asio::signal_set end{context, SIGTERM, SIGINT}, report{context, SIGUSR1};
    end.async_wait([&](auto, int) { context.stop(); });
    auto heap = [&](auto self) -> void {
        report.async_wait([self](auto error, int) {
            if (error) return;
            std::fprintf(stderr, "heap %zu\n", mallinfo2().uordblks);
            self(self);
        });
    };
    heap(heap);
    std::printf("listening on ws://127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    context.run();
    std::_Exit(0); // sessions hold themselves; nothing is left to save
}
