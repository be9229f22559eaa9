// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/tls.hpp>

#include <sigfire/net/engine/loop_wait.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>

#include "support/tls_world.hpp"
#include "support/transport_laws.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using tls_world::identity, tls_world::layer, tls_world::root, tls_world::localhost;
using client = framing::websocket<framing::role::client>;

struct place {
    place() : path{(fs::temp_directory_path() / ("sigfire-tls-" + std::to_string(::getpid()))).string()} {
        fs::remove_all(path);
    }
    ~place() { fs::remove_all(path); }
    boost::asio::io_context io;
    std::string path;
};

const tls_options served{.certificates = {localhost().served()}};
constexpr std::size_t message = 300'000, outbox = 100'000;
const stream_limits small{.message = message, .outbox = outbox};
const std::function<layer()> layers = [] { return layer{}; };

BOOST_AUTO_TEST_SUITE(tls)

BOOST_FIXTURE_TEST_CASE(it_keeps_the_laws, place) {
    sigfire::tls wss{sigfire::websocket{io, {.limits = small}}, served};
    stream_test::check_laws<client>(io, wss, message, outbox, layers);
    sigfire::tls over_tcp{sigfire::tcp{io, {.limits = small}}, served};
    stream_test::check_laws<framing::length>(io, over_tcp, message, outbox, layers);
    sigfire::tls over_unix{sigfire::unix_socket{io, {.path = path, .limits = small}}, served};
    stream_test::check_laws<framing::length>(io, over_unix, message, outbox, layers);
}

BOOST_FIXTURE_TEST_CASE(it_keeps_the_laws_on_the_portable_loop, place) {
    using wait = detail::loop_wait;
    sigfire::tls wss{transport::basic_websocket<wait>{io, {.limits = small}}, served};
    stream_test::check_laws<client>(io, wss, message, outbox, layers);
    sigfire::tls over_tcp{transport::basic_tcp<wait>{io, {.limits = small}}, served};
    stream_test::check_laws<framing::length>(io, over_tcp, message, outbox, layers);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
