// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Every transport with every codec that it may have, at once on one hub: the same stories for all ordered
// pairs of them, over real sockets. Stories of one format alone stand in formats.cpp, without sockets.
#include "support/hub_bench.hpp"
#include "support/stream_peer.hpp"
#include "support/tls_world.hpp"

#include <sigfire/codec/any_of.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/tls.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using hub_world::token_in;
using stream_test::no_layer;
using tls_world::layer, tls_world::localhost;

// --- a peer's end of a wire ---

/// Whole messages, as they go over it.
struct wire_end {
    virtual ~wire_end() = default;
    virtual void send(std::string_view bytes, message_type) = 0;
    virtual std::vector<std::string> take() = 0; ///< messages that came since
    virtual void cut() = 0;                      ///< breaks off
    virtual void close() = 0;                    ///< ends properly
    virtual bool ended() const = 0;
};

template <class Framing, class Layer>
struct stream_end final : wire_end {
    using peer = stream_test::peer<Framing, Layer>;
    explicit stream_end(peer p) : it{std::move(p)} {}

    void send(std::string_view bytes, message_type type) override { it.send(bytes, type); }
    std::vector<std::string> take() override { return it.take(); }
    void cut() override { it.cut(); }
    void close() override { it.close(); }
    bool ended() const override { return it.ended(); }

    peer it;
};

struct memory_end final : wire_end {
    memory_end(loopback::end e, message_type expected) : it{std::move(e)} {
        it.on_message([this, expected](message m) {
            BOOST_TEST((m.type == expected));
            heard.emplace_back(m.view());
        });
        it.on_closed([this](const ending&, errc) { over = true; });
    }
    void send(std::string_view bytes, message_type type) override {
        BOOST_TEST((it.send(bytes, type) == errc::ok));
    }
    std::vector<std::string> take() override { return std::exchange(heard, {}); }
    void cut() override { it.close(errc::lost); }
    void close() override { it.close(); }
    bool ended() const override { return over; }

    loopback::end it;
    std::vector<std::string> heard;
    bool over = false;
};

using websocket_framing = framing::websocket<framing::role::client>;

void pump() {
    stream_end<websocket_framing, no_layer>::peer::pump();
    stream_end<websocket_framing, layer>::peer::pump();
    stream_end<framing::length, no_layer>::peer::pump();
    stream_end<framing::length, layer>::peer::pump();
    stream_end<framing::line, no_layer>::peer::pump();
}

// --- the server ---

using condition = std::function<bool(const request&)>;
/// sigfire's own wires as the program speaks them on each of its listeners.
using wires = any_of<when<codec::binary, condition>, when<codec::transcoded<json>, condition>>;

/// Peers get the id that the test says: not each wire could ask for one.
struct named {
    const std::string* next;

    errc on_admit(const request&, admission& wish) {
        wish.id = *next;
        return errc::ok;
    }
};

using parts = features<topics, presence, requests, resume>;
using hub_type = hub<local_registry, mailbox<>, any_channel, no_log, hooks<named>, parts>;

struct any_listener {
    virtual ~any_listener() = default;
    virtual std::string address() const = 0;
};

template <class T>
struct listener_of final : any_listener {
    listener_of(T transport, bool packed, hub_type& h) : listener{std::move(transport), wires_of(packed), h} {
        error_code ec;
        listener.open(ec);
        BOOST_TEST_REQUIRE(!ec, ec.message());
    }
    std::string address() const override { return listener.address(); }

    static wires wires_of(bool packed) {
        condition binary = [packed](const request&) { return packed; };
        if constexpr (requires(const T& t) { t.origins(); })
            binary = by_subprotocol{std::string{codec::binary_subprotocol}};
        return wires{{codec::binary{}, binary}, {codec::transcoded{json{}}, always{}}};
    }

    sigfire::listener<T, wires, hub_type> listener;
};

/// A row of the table: a listener, and how a peer comes to it.
struct row {
    std::string name;
    bool packed;
    std::shared_ptr<any_listener> listener;
    std::function<std::unique_ptr<wire_end>(std::string_view target, std::string_view fields)> connect;
};

struct world {
    world() {
        // A client that comes by HTTP names its format: one listener for both.
        add<websocket_framing>("ws", sigfire::websocket{io}, {false, true});
        add<websocket_framing>("wss", tls{sigfire::websocket{io}, served}, {false, true});
        for (const bool packed : {false, true}) {
            add<framing::length>("tcp", tcp{io}, {packed});
            add<framing::length>("tls+tcp", tls{tcp{io}, served}, {packed});
            add<framing::length>(
                "unix", sigfire::unix_socket{io, {.path = path(packed ? "packed" : "plain")}}, {packed});
            add_loopback(packed);
        }
        add<framing::line>("tcp lines", tcp_lines{io}, {false});
        add<framing::line>("unix lines", unix_socket_lines{io, {.path = path("lines")}}, {false});
    }

    /// Runs all until `met()` holds. Fails when it takes too long, which says that it never will.
    void until(const std::function<bool()>& met) {
        const auto rest = std::chrono::duration_cast<std::chrono::seconds>(deadline - clock::now());
        BOOST_TEST_REQUIRE(stream_test::drive(io, pump, met, rest));
    }

    const row& at(std::string_view name) const {
        for (const auto& r : rows)
            if (r.name == name) return r;
        BOOST_FAIL("no row " << name);
        return rows.front();
    }

    boost::asio::io_context io;
    std::string next; // id
    // Changes are told as soon as they can be: their contents matter here, not the time.
    hub_type hub{{},
                 {},
                 mailbox{direct_router{}, 60s},
                 {},
                 hooks{named{&next}},
                 parts{topics{}, presence{{.delay = 1ms}}, requests{}, resume{}}};
    std::vector<row> rows;

private:
    static std::string path(std::string_view which) {
        return (std::filesystem::temp_directory_path() /
                ("sigfire-crossing-" + std::to_string(::getpid()) + '-' + std::string{which}))
            .string();
    }

    template <class Framing, class T>
    void add(const std::string& transport, T description, std::initializer_list<bool> formats) {
        constexpr bool secure = requires { description.reload(); };
        using layer_type = std::conditional_t<secure, layer, no_layer>;
        using end = stream_end<Framing, layer_type>;
        const auto listener = std::make_shared<listener_of<T>>(std::move(description), *formats.begin(), hub);
        for (const bool packed : formats) {
            const auto subprotocol = packed ? codec::binary_subprotocol : codec::json_subprotocol;
            const auto offer = "Sec-WebSocket-Protocol: " + std::string{subprotocol} + "\r\n";
            rows.push_back(
                {transport + (packed ? " MessagePack" : " JSON"), packed, listener,
                 [this, url = listener->address(), offer](std::string_view target, std::string_view fields) {
                     layer_type l;
                     if constexpr (secure) l = layer{client.get()};
                     return std::make_unique<end>(
                         typename end::peer{io, url, std::move(l),
                                            memory::upgrade_request(offer + std::string{fields}, target)});
                 }});
        }
    }

    void add_loopback(bool packed) {
        loopback net{io};
        auto listener = std::make_shared<listener_of<loopback>>(net, packed, hub);
        rows.push_back({packed ? "loopback MessagePack" : "loopback JSON", packed, std::move(listener),
                        [net, packed](std::string_view, std::string_view) {
                            return std::make_unique<memory_end>(net.connect(), packed ? message_type::binary
                                                                                      : message_type::text);
                        }});
    }

    const tls_options served{.certificates = {localhost().served()}};
    const detail::ssl_context_ptr client = tls_world::client_context();
    const time_point deadline = clock::now() + 60s;
};

// --- peers ---

/// Without the hub's own id, which differs in each run.
std::string plain(std::string text) {
    constexpr std::string_view begin = R"({"id":")";
    const auto end = text.find('"', begin.size());
    if (text.starts_with(begin) && text.compare(end, 9, R"(","cmd":")") == 0) {
        BOOST_TEST(end - begin.size() == 21u, text);
        text.erase(1, end + 1);
    }
    return text;
}

/// JSON spelt in one way, so that equal values are equal texts.
std::string value(std::string_view json) {
    return codec::json_from_msgpack(codec::msgpack_from_json(json).value()).value();
}

/// A peer of any row; all of them talk JSON with the test.
class peer {
public:
    /// Comes under an id, and has been welcomed; to `target`, on the wires that have one.
    peer(world& w, const row& r, std::string id, std::string_view target = "/", std::string_view fields = {})
        : world_{w}, packed_{r.packed}, id_{std::move(id)} {
        w.next = id_;
        wire_ = r.connect(target, fields);
        greeting = hear();
        if (target == "/") BOOST_TEST(greeting == R"({"cmd":"welcome","data":{"id":")" + id_ + R"("}})");
    }

    void say(const std::string& text) {
        if (packed_)
            wire_->send(codec::msgpack_from_json(text).value(), message_type::binary);
        else
            wire_->send(text, message_type::text);
    }

    /// The next message, as `value` spells it.
    std::string hear() {
        world_.until([&] {
            for (auto& m : wire_->take())
                heard_.push_back(plain(packed_ ? codec::json_from_msgpack(m).value() : value(m)));
            return !heard_.empty();
        });
        auto first = std::move(heard_.front());
        heard_.pop_front();
        return first;
    }
    void hears(const std::string& text) {
        BOOST_TEST_CONTEXT(id_ << " hears something") BOOST_TEST(hear() == value(text));
    }

    /// Asks something; all that comes first is the reply `ok`, with `data` if that is not empty.
    void ask(const std::string& request, const std::string& data = {}) {
        const auto id = std::to_string(++asked_);
        say(R"({"id":)" + id + ',' + request.substr(1));
        hears(R"({"id":)" + id + R"(,"ok":true)" + (data.empty() ? "" : R"(,"data":)" + data) + '}');
    }
    /// The same, but the reply is a cause.
    void ask_in_vain(const std::string& request, errc cause) {
        const auto id = std::to_string(++asked_);
        say(R"({"id":)" + id + ',' + request.substr(1));
        hears(R"({"id":)" + id + R"(,"ok":false,"data":{"message":")" + std::string{to_string(cause)} +
              R"(","cause":")" + std::string{cause_name(cause)} + R"("}})");
    }
    /// Nothing has been said to this one but what it has heard.
    void has_heard_all() { ask_in_vain(R"({"cmd":"lookup","topic":"nowhere"})", errc::unknown); }

    void cut() { wire_->cut(); }
    void close() { wire_->close(); }
    bool ended() const { return wire_->ended(); }

    std::string greeting;

private:
    world& world_;
    bool packed_;
    std::string id_;
    std::unique_ptr<wire_end> wire_;
    std::deque<std::string> heard_;
    unsigned asked_ = 0;
};

/// Tells a story of two for every ordered pair of rows.
void for_each_pair(void (*tell)(world&, const row&, const row&)) {
    world w;
    for (const auto& x : w.rows)
        for (const auto& y : w.rows) BOOST_TEST_CONTEXT("A on " << x.name << ", B on " << y.name) {
                tell(w, x, y);
                w.until([&] { return w.hub.size() == 0; }); // so that the next two are new
            }
}

// Each side makes the same of it: all kinds of JSON values.
const std::string anything =
    R"({"offer":{"type":"offer","sdp":"v=0\r\n\"é\" \\ 😀"},"n":[0,-1,-129,18446744073709551615,0.5,-2.5e-7,true,false,null,{},[]],"":""})";

std::string sent(std::string_view command, std::string_view from, std::string_view data) {
    return R"({"cmd":")" + std::string{command} + R"(","origin":")" + std::string{from} +
           (data.empty() ? "\"" : R"(","data":)" + std::string{data}) + '}';
}

std::string saying(std::string_view command, std::string_view to, std::string_view data) {
    return R"({"cmd":")" + std::string{command} + R"(","target":")" + std::string{to} +
           (data.empty() ? "\"" : R"(","data":)" + std::string{data}) + '}';
}

BOOST_AUTO_TEST_SUITE(crossing)

BOOST_AUTO_TEST_CASE(messages_and_their_outcomes) {
    for_each_pair([](world& w, const row& x, const row& y) {
        peer a{w, x, "A"}, b{w, y, "B"};
        a.ask(saying("offer", "B", anything));
        b.hears(sent("offer", "A", anything));
        b.say(R"({"cmd":"answer","id":["q",{"k":0.5}],"target":"A","data":{"answer":1}})");
        b.hears(R"({"id":["q",{"k":0.5}],"ok":true})");
        a.hears(sent("answer", "B", R"({"answer":1})"));
        a.ask(saying("bye", "B", ""));
        b.hears(sent("bye", "A", ""));
        a.ask_in_vain(saying("bye", "A", ""), errc::self);
        a.ask_in_vain(saying("offer", "B", "{}"), errc::missing_offer);
        a.ask_in_vain(R"({"cmd":"offer","data":{"offer":1}})", errc::missing_target);
        a.ask_in_vain(saying("dance", "B", ""), errc::unknown_command);
        // In order, and as long as it may be.
        const auto candidate = [](int n) { return R"({"candidate":)" + std::to_string(n + 1) + '}'; };
        for (auto* from : {&a, &b}) {
            auto* const to = from == &a ? &b : &a;
            const std::string from_id = from == &a ? "A" : "B", to_id = to == &b ? "B" : "A";
            for (int i = 0; i < 5; ++i)
                from->say(R"({"id":"x",)" + saying("ice", to_id, candidate(i)).substr(1));
            for (int i = 0; i < 5; ++i) from->hears(R"({"id":"x","ok":true})");
            for (int i = 0; i < 5; ++i) to->hears(sent("ice", from_id, candidate(i)));
        }
        const std::string large = R"({"answer":")" + std::string(70'000, 'x') + R"("})";
        a.ask(saying("answer", "B", large));
        b.hears(sent("answer", "A", large));
        a.has_heard_all();
        b.has_heard_all();
        a.close();
        b.close();
    });
}

BOOST_AUTO_TEST_CASE(questions_and_answers) {
    for_each_pair([](world& w, const row& x, const row& y) {
        peer a{w, x, "A"}, b{w, y, "B"};
        const auto asked = [&](const std::string& id, const std::string& data) {
            a.say(R"({"id":)" + id + ',' + saying("request", "B", data).substr(1));
            const auto text = b.hear();
            const std::string_view begin = R"({"cmd":"request","origin":"A","request":)";
            BOOST_TEST_REQUIRE(text.starts_with(begin));
            const auto end = text.find_first_not_of("0123456789", begin.size());
            BOOST_TEST(text.substr(end) == (data.empty() ? "}" : R"(,"data":)" + value(data) + '}'));
            return text.substr(begin.size(), end - begin.size());
        };
        auto n = asked("[7]", anything);
        b.ask(R"({"cmd":"respond","request":)" + n + R"(,"data":)" + anything + '}');
        a.hears(R"({"id":[7],"ok":true,"data":)" + anything + '}');
        b.ask_in_vain(R"({"cmd":"respond","request":)" + n + '}', errc::expired);
        n = asked("8", "");
        b.say(R"({"cmd":"respond","request":)" + n + R"(,"ok":false,"data":["busy"]})");
        a.hears(R"({"id":8,"ok":false,"data":["busy"]})");
        a.ask_in_vain(saying("request", "C", "1"), errc::unknown);
        b.has_heard_all();
        asked("9", "0.5");
        b.close();
        a.hears(R"({"id":9,"ok":false,"data":{"message":"Peer Offline","cause":"offline"}})");
        a.has_heard_all();
        a.close();
    });
}

BOOST_AUTO_TEST_CASE(topics_and_their_members) {
    for_each_pair([](world& w, const row& x, const row& y) {
        peer a{w, x, "A"}, b{w, y, "B"};
        const auto told = [](const std::string& data) {
            return R"({"cmd":"presence","topic":"t","data":{)" + data + "}}";
        };
        a.ask(R"({"cmd":"join","topic":"t","data":{"metadata":{"name":"é"}}})",
              R"({"topic":"t","members":1})");
        b.ask(R"({"cmd":"lookup","topic":"t"})",
              R"({"count":1,"members":[{"id":"A","metadata":{"name":"é"}}]})");
        b.ask_in_vain(R"({"cmd":"publish","topic":"t","data":1})", errc::denied);
        b.ask(R"({"cmd":"watch","topic":"t"})");
        b.hears(told(R"("snapshot":true,"members":[{"id":"A","status":"joined","metadata":{"name":"é"}}])"));
        b.ask(R"({"cmd":"join","topic":"t"})", R"({"topic":"t","members":2})");
        b.hears(told(R"("members":[{"id":"B","status":"joined"}])"));
        a.ask(R"({"cmd":"set","topic":"t","data":{"key":"k","value":[0.5,{"x":null}]}})");
        b.hears(told(R"("state":[{"key":"k","value":[0.5,{"x":null}],"owner":"A"}])"));
        b.ask_in_vain(R"({"cmd":"unset","topic":"t","data":{"key":"k"}})", errc::denied);
        const auto published = [](const std::string& from, const std::string& data) {
            return R"({"cmd":"publish","origin":")" + from + R"(","topic":"t","data":)" + data + '}';
        };
        a.ask(R"({"cmd":"publish","topic":"t","echo":true,"data":)" + anything + '}');
        a.hears(published("A", anything));
        b.hears(published("A", anything));
        b.ask(R"({"cmd":"publish","topic":"t","volatile":true,"data":[1]})");
        a.hears(published("B", "[1]"));
        a.ask(R"({"cmd":"leave","topic":"t"})");
        b.hears(told(R"("members":[{"id":"A","status":"left","cause":"closed"}],)"
                     R"("state":[{"key":"k","removed":true}])"));
        b.ask(R"({"cmd":"publish","topic":"t","data":2})");
        a.ask_in_vain(R"({"cmd":"leave","topic":"t"})", errc::unknown);
        b.ask(R"({"cmd":"unwatch","topic":"t"})");
        a.has_heard_all();
        b.has_heard_all();
        a.close();
        b.close();
    });
}

BOOST_AUTO_TEST_CASE(coming_and_going_and_messages_that_wait_for_an_absent_peer) {
    for_each_pair([](world& w, const row& x, const row& y) {
        peer a{w, x, "A"};
        const auto told = [&](const std::string& how) {
            a.hears(R"({"cmd":"presence","data":{)" + how + "}]}}");
        };
        a.ask(R"({"cmd":"watch","target":"B"})");
        told(R"("snapshot":true,"members":[{"id":"B","status":"left")");
        a.ask(saying("offer", "B", anything), R"({"held":true})");
        a.ask(saying("ice", "B", R"({"candidate":"1"})"), R"({"held":true})");
        {
            peer b{w, y, "B"};
            b.hears(sent("offer", "A", anything));
            b.hears(sent("ice", "A", R"({"candidate":"1"})"));
            told(R"("members":[{"id":"B","status":"joined")");
            b.has_heard_all();
            b.close();
            told(R"("members":[{"id":"B","status":"left","cause":"closed")");
        }
        peer b{w, y, "B"};
        told(R"("members":[{"id":"B","status":"joined")");
        b.has_heard_all();
        b.cut();
        told(R"("members":[{"id":"B","status":"left","cause":"lost")");
        a.ask(R"({"cmd":"unwatch","target":"B"})");
        a.has_heard_all();
        a.close();
    });
}

BOOST_AUTO_TEST_CASE(a_peer_goes_on_with_a_connection_of_another_kind) {
    for_each_pair([](world& w, const row& x, const row& y) {
        peer a{w, x, "A"};
        a.ask(R"({"cmd":"join","topic":"t"})", R"({"topic":"t","members":1})");
        auto b = std::make_unique<peer>(w, y, "B");
        b->say(R"({"cmd":"resume","id":1})");
        auto token = token_in(b->hear());
        BOOST_TEST_REQUIRE(!token.empty());
        b->ask(R"({"cmd":"join","topic":"t"})", R"({"topic":"t","members":2})");
        int heard = 1, said = 1;
        for (const auto* const other : {&x, &y}) {
            a.ask(R"({"cmd":"publish","topic":"t","data":"before"})");
            b->hears(R"({"cmd":"publish","origin":"A","topic":"t","data":"before"})");
            ++heard;
            // The last words arrive, but the reply to them is lost.
            b->say(R"({"id":"last",)" + saying("offer", "A", anything).substr(1));
            b->cut();
            ++said;
            a.hears(sent("offer", "B", anything));
            a.ask(saying("answer", "B", R"({"answer":0.5})"));
            a.ask(R"({"cmd":"publish","topic":"t","data":["while away"]})");
            a.say(R"({"id":"question",)" + saying("request", "B", "[7]").substr(1));

            b = std::make_unique<peer>(w, *other, "B2");
            b->say(R"({"cmd":"resume","id":1,"token":")" + token + R"(","received":)" +
                   std::to_string(heard) + '}');
            const auto back = b->hear();
            token = token_in(back);
            BOOST_TEST(back == R"({"id":1,"ok":true,"data":{"id":"B","token":")" + token +
                                   R"(","window":30000,"recovered":true,"received":)" + std::to_string(said) +
                                   "}}");
            b->hears(R"({"id":"last","ok":true})");
            b->hears(sent("answer", "A", R"({"answer":0.5})"));
            b->hears(R"({"cmd":"publish","origin":"A","topic":"t","data":["while away"]})");
            const auto question = b->hear();
            const std::string_view begin = R"({"cmd":"request","origin":"A","request":)";
            BOOST_TEST_REQUIRE(question.starts_with(begin));
            heard += 4;
            b->say(R"({"cmd":"ack","received":)" + std::to_string(heard) + '}');
            const auto n = question.substr(begin.size(), question.find(',', begin.size()) - begin.size());
            b->say(R"({"cmd":"respond","request":)" + n + R"(,"data":{"y":[2]}})");
            a.hears(R"({"id":"question","ok":true,"data":{"y":[2]}})");
            b->has_heard_all();
            ++heard, ++said;
        }
        a.has_heard_all();
        b->close();
        w.until([&] { return w.hub.size() == 1; });
        a.ask_in_vain(R"({"cmd":"publish","topic":"u"})", errc::unknown);
        a.close();
    });
}

BOOST_AUTO_TEST_CASE(a_page_among_processes) {
    world w;
    constexpr std::string_view from_browser = "Origin: https://example.org\r\n";
    for (const auto socket : {"ws JSON", "wss JSON"}) {
        peer robot{w, w.at("unix MessagePack"), "robot"}, worker{w, w.at("tls+tcp MessagePack"), "worker"};
        const auto& port = w.at(socket);
        // It is talked to before it is there.
        robot.ask(saying("offer", "page", anything), R"({"held":true})");
        worker.ask(saying("offer", "page", anything), R"({"held":true})");
        robot.ask(R"({"cmd":"watch","target":"page"})");
        robot.hears(
            R"({"cmd":"presence","data":{"snapshot":true,"members":[{"id":"page","status":"left"}]}})");
        auto page = std::make_unique<peer>(w, port, "page", "/?resume", from_browser);
        auto token = token_in(page->greeting);
        BOOST_TEST(page->greeting == R"({"cmd":"welcome","data":{"id":"page","resume":{"token":")" + token +
                                         R"(","window":30000}}})");
        page->hears(sent("offer", "robot", anything));
        page->hears(sent("offer", "worker", anything));
        robot.hears(R"({"cmd":"presence","data":{"members":[{"id":"page","status":"joined"}]}})");

        int members = 0;
        for (auto* const p : {page.get(), &robot, &worker})
            p->ask(R"({"cmd":"join","topic":"plant"})",
                   R"({"topic":"plant","members":)" + std::to_string(++members) + '}');
        worker.ask(R"({"cmd":"watch","topic":"plant"})");
        worker.hears(R"({"cmd":"presence","topic":"plant","data":{"snapshot":true,"members":[)"
                     R"({"id":"page","status":"joined"},{"id":"robot","status":"joined"},)"
                     R"({"id":"worker","status":"joined"}]}})");
        robot.ask(R"({"cmd":"publish","topic":"plant","data":{"battery":0.87}})");
        for (auto* const p : {page.get(), &worker})
            p->hears(R"({"cmd":"publish","origin":"robot","topic":"plant","data":{"battery":0.87}})");
        page->ask(R"({"cmd":"publish","topic":"plant","data":["stop"]})");
        for (auto* const p : {&robot, &worker})
            p->hears(R"({"cmd":"publish","origin":"page","topic":"plant","data":["stop"]})");

        page->say(R"({"id":"q",)" + saying("request", "worker", R"({"ask":[1]})").substr(1));
        const auto question = worker.hear();
        const std::string_view begin = R"({"cmd":"request","origin":"page","request":)";
        BOOST_TEST_REQUIRE(question.starts_with(begin));
        const auto n = question.substr(begin.size(), question.find(',', begin.size()) - begin.size());
        page->cut();
        worker.hears(
            R"({"cmd":"presence","topic":"plant","data":{"members":[{"id":"page","status":"away"}]}})");
        robot.hears(R"({"cmd":"presence","data":{"members":[{"id":"page","status":"away"}]}})");
        worker.ask(R"({"cmd":"respond","request":)" + n + R"(,"data":{"answer":0.5}})");
        robot.ask(saying("bye", "page", "[1]"));

        // Two offers and a publication, and the replies to it.
        page = std::make_unique<peer>(w, port, "", "/?resume=" + token + "&received=5", from_browser);
        token = token_in(page->greeting);
        BOOST_TEST(page->greeting == R"({"cmd":"welcome","data":{"id":"page","resume":{"token":")" + token +
                                         R"(","window":30000,"recovered":true,"received":3}}})");
        page->hears(R"({"id":"q","ok":true,"data":{"answer":0.5}})");
        page->hears(sent("bye", "robot", "[1]"));
        worker.hears(
            R"({"cmd":"presence","topic":"plant","data":{"members":[{"id":"page","status":"back"}]}})");
        robot.hears(R"({"cmd":"presence","data":{"members":[{"id":"page","status":"back"}]}})");
        page->has_heard_all();

        page->close();
        worker.hears(R"({"cmd":"presence","topic":"plant","data":{"members":)"
                     R"([{"id":"page","status":"left","cause":"closed"}]}})");
        robot.hears(
            R"({"cmd":"presence","data":{"members":[{"id":"page","status":"left","cause":"closed"}]}})");
        robot.has_heard_all();
        worker.has_heard_all();
        robot.close();
        worker.close();
        w.until([&] { return w.hub.size() == 0; });
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
