// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <type_traits>

namespace sigfire::inline v0_1::detail {

// Detects whether a class has a member of a given name: static, overloaded, a template or private. The name
// becomes ambiguous beside another base class with the same member. In a final class, only a member with an
// address is detected.
struct on_admit_name {
    int on_admit;
};
struct on_admit_deferred_name {
    int on_admit_deferred;
};
struct on_open_name {
    int on_open;
};
struct on_message_name {
    int on_message;
};
struct on_deliver_name {
    int on_deliver;
};
struct on_close_name {
    int on_close;
};
struct on_outcome_name {
    int on_outcome;
};
struct on_event_name {
    int on_event;
};
struct on_request_name {
    int on_request;
};
struct permit_name {
    int permit;
};
struct decode_name {
    int decode;
};
struct insert_name {
    int insert;
};
struct route_name {
    int route;
};

template <class H, class Name>
struct beside : H, Name {};

template <class H>
concept can_be_base = std::is_class_v<H> && !std::is_final_v<H>;

template <class H>
concept names_on_admit =
    requires { &H::on_admit; } || (can_be_base<H> && !requires { &beside<H, on_admit_name>::on_admit; });
template <class H>
concept names_on_admit_deferred = requires {
    &H::on_admit_deferred;
} || (can_be_base<H> && !requires { &beside<H, on_admit_deferred_name>::on_admit_deferred; });
template <class H>
concept names_on_open =
    requires { &H::on_open; } || (can_be_base<H> && !requires { &beside<H, on_open_name>::on_open; });
template <class H>
concept names_on_message = requires { &H::on_message; } ||
                           (can_be_base<H> && !requires { &beside<H, on_message_name>::on_message; });
template <class H>
concept names_on_deliver = requires { &H::on_deliver; } ||
                           (can_be_base<H> && !requires { &beside<H, on_deliver_name>::on_deliver; });
template <class H>
concept names_on_close =
    requires { &H::on_close; } || (can_be_base<H> && !requires { &beside<H, on_close_name>::on_close; });
template <class H>
concept names_on_outcome = requires { &H::on_outcome; } ||
                           (can_be_base<H> && !requires { &beside<H, on_outcome_name>::on_outcome; });
template <class H>
concept names_on_event =
    requires { &H::on_event; } || (can_be_base<H> && !requires { &beside<H, on_event_name>::on_event; });
template <class H>
concept names_on_request = requires { &H::on_request; } ||
                           (can_be_base<H> && !requires { &beside<H, on_request_name>::on_request; });
template <class H>
concept names_permit =
    requires { &H::permit; } || (can_be_base<H> && !requires { &beside<H, permit_name>::permit; });
template <class H>
concept names_decode =
    requires { &H::decode; } || (can_be_base<H> && !requires { &beside<H, decode_name>::decode; });
template <class H>
concept names_insert =
    requires { &H::insert; } || (can_be_base<H> && !requires { &beside<H, insert_name>::insert; });
template <class H>
concept names_route =
    requires { &H::route; } || (can_be_base<H> && !requires { &beside<H, route_name>::route; });

} // namespace sigfire::inline v0_1::detail
