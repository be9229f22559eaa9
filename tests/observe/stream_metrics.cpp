// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/observe/stream_metrics.hpp>

#include "support/memory_loop.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/listener.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(stream_metrics)

BOOST_AUTO_TEST_CASE(what_a_transport_counts_is_written) {
    using namespace sigfire;
    boost::asio::io_context io;
    using hub_type = hub<local_registry, direct_router, any_channel>;
    hub_type h;
    listener<memory::websocket, codec::json, hub_type> l{memory::websocket{io}, {}, h};
    error_code ec;
    l.open(ec);
    memory::basic_peer<framing::websocket<framing::role::client>> open{io}, opening{io};
    open.write(memory::upgrade_request());
    memory::run(io);
    prometheus_text out;
    write_metrics(out, l.counters(), "memory:");
    const auto text = out.text();
    for (const std::string sample :
         {R"(connections{listener="memory:",state="open"} 1)",
          R"(connections{listener="memory:",state="opening"} 1)",
          R"(connections_accepted_total{listener="memory:"} 2)",
          R"(tls_failures_total{listener="memory:"} 0)", R"(unsent_bytes{listener="memory:"} 0)"})
        BOOST_TEST(text.find("sigfire_" + sample + "\n") != text.npos, sample << " is not in " << text);
    BOOST_TEST(text.find(R"(sigfire_sent_bytes_total{listener="memory:"} 0)") == text.npos);
    l.stop({}, {}), l.stop({}, {});
    memory::run(io);
}

BOOST_AUTO_TEST_SUITE_END()
