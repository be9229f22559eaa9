// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/connect_race.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
namespace asio = boost::asio;
using sigfire::error_code;
using race = sigfire::detail::connect_race;
using tcp = asio::ip::tcp;

// An address where connections neither stand nor fail: the queue of its listener is full.
struct black_hole {
    explicit black_hole(asio::io_context& io) : acceptor{io} {
        acceptor.open(tcp::v4());
        acceptor.bind({asio::ip::address_v4::loopback(), 0});
        acceptor.listen(0);
        for (int i = 0; i < 8; ++i) {
            auto& s = *fillers.emplace_back(std::make_unique<tcp::socket>(io));
            s.open(tcp::v4());
            s.native_non_blocking(true);
            const auto to = acceptor.local_endpoint();
            (void)::connect(s.native_handle(), to.data(),
                            static_cast<socklen_t>(to.size())); // Asio would wait
        }
    }
    tcp::acceptor acceptor;
    std::vector<std::unique_ptr<tcp::socket>> fillers;
};

struct result {
    error_code why;
    std::optional<tcp::endpoint> peer;
    std::chrono::milliseconds took;
};

struct world {
    asio::io_context io;
    tcp::acceptor open{io, {asio::ip::address_v4::loopback(), 0}};

    tcp::endpoint refusing() {
        tcp::acceptor gone{io, {asio::ip::address_v4::loopback(), 0}};
        return gone.local_endpoint();
    }

    result run(std::vector<race::endpoint> to, std::chrono::milliseconds limit = 1h) {
        const auto begin = std::chrono::steady_clock::now();
        std::optional<result> out;
        const auto r = std::make_shared<race>(io.get_executor(), std::move(to), limit);
        r->start([&](error_code ec, race::socket s) {
            BOOST_TEST(!out.has_value());
            out.emplace();
            out->why = ec;
            if (ec) return;
            const auto peer = s.remote_endpoint();
            out->peer.emplace();
            std::memcpy(out->peer->data(), peer.data(), peer.size());
        });
        io.restart();
        io.run(); // nothing is left behind
        BOOST_TEST_REQUIRE(out.has_value());
        out->took =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        return *out;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(connect_race)

BOOST_FIXTURE_TEST_CASE(a_dead_address_does_not_keep_from_the_next, world) {
    const black_hole dead{io};
    const auto r = run({dead.acceptor.local_endpoint(), open.local_endpoint()});
    BOOST_TEST(r.why == error_code{});
    BOOST_TEST((r.peer == open.local_endpoint()));
    BOOST_TEST((r.took >= 250ms));
}

BOOST_FIXTURE_TEST_CASE(a_refusal_hurries_the_next, world) {
    std::vector<race::endpoint> to(100, refusing());
    to.emplace_back(open.local_endpoint());
    const auto r = run(std::move(to));
    BOOST_TEST((r.peer == open.local_endpoint()));
    BOOST_TEST((r.took < 20s)); // 25 s if each waited for its turn
}

BOOST_FIXTURE_TEST_CASE(the_first_is_taken_where_it_answers, world) {
    tcp::acceptor other{io, {asio::ip::address_v4::loopback(), 0}};
    BOOST_TEST((run({open.local_endpoint(), other.local_endpoint()}).peer == open.local_endpoint()));
    other.non_blocking(true);
    error_code ec;
    other.accept(ec);
    BOOST_TEST(ec == asio::error::would_block); // nobody came
}

BOOST_FIXTURE_TEST_CASE(all_may_fail, world) {
    BOOST_TEST(run({refusing(), refusing()}).why == asio::error::connection_refused);
    BOOST_TEST(run({}).why == asio::error::host_not_found);
    const black_hole dead{io};
    const auto r = run({refusing(), dead.acceptor.local_endpoint()}, 30ms);
    BOOST_TEST(r.why == asio::error::timed_out);
    BOOST_TEST((r.took >= 30ms));
}

BOOST_FIXTURE_TEST_CASE(can_be_given_up, world) {
    const black_hole dead{io};
    bool told = false;
    {
        const auto r = std::make_shared<race>(
            io.get_executor(), std::vector<race::endpoint>{dead.acceptor.local_endpoint()}, 1h);
        r->start([&](error_code, race::socket) { told = true; });
        io.poll();
        r->cancel();
    }
    io.restart();
    io.run();
    BOOST_TEST(!told);
}

BOOST_AUTO_TEST_SUITE_END()
