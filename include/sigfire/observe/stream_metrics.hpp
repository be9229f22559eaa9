// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/stream_counters.hpp>
#include <sigfire/observe/prometheus_text.hpp>

#include <string_view>

namespace sigfire::inline v0_1 {

/** Writes the counters of a stream transport.
 *  @param out where to write
 *  @param c the counters, see `listener::counters`
 *  @param listener the value of the label `listener`; the same for each call, and different for each
 *    transport: `ws://0.0.0.0:3003` */
inline void write_metrics(prometheus_text& out, const stream_counters& c, std::string_view listener) {
    const prometheus_text::label where{"listener", listener};
    out.gauge("connections", "Connections by state.", c.open, {where, {"state", "open"}});
    out.gauge("connections", "Connections by state.", c.opening, {where, {"state", "opening"}});
    out.counter("connections_accepted_total", "Accepted connections.", c.accepted, {where});
    out.counter("tls_failures_total", "Failed TLS handshakes.", c.refused(errc::tls_failed), {where});
    out.counter("received_bytes_total", "Received bytes.", c.bytes_in, {where});
    out.counter("sent_bytes_total", "Sent bytes.", c.bytes_out, {where});
    out.counter("turns_total", "Turns of the loop.", c.turns, {where});
    out.gauge("incomplete_bytes", "Received bytes that are not delivered yet.", c.incomplete, {where});
    out.gauge("unsent_bytes", "Bytes that wait for slow peers, of all listeners of the loop.", c.unsent,
              {where});
}

} // namespace sigfire::inline v0_1
