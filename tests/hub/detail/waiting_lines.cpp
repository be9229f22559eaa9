// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/detail/waiting_lines.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::waiting_lines;

event::custom said(std::string_view text) {
    event::custom e;
    e.command = text;
    return e;
}

detail::pipeline_stage judged(std::size_t hooks) {
    return {hooks, 0, false};
}

constexpr std::size_t many = 1000;
const time_point start{1h};

std::string next(waiting_lines& l, std::uint32_t slot) {
    const auto f = l.pop(slot);
    if (!f) return "nothing";
    std::string text;
    f->message.visit([&](const event::incoming& e) { text = e.command; });
    return text + " " + std::to_string(f->stage.hooks);
}

void forget(waiting_lines& l, std::uint32_t slot) {
    l.erase(slot, [](request_token) {});
}

BOOST_AUTO_TEST_SUITE(waiting_lines_)

BOOST_AUTO_TEST_CASE(an_empty_one_waits_for_nothing) {
    waiting_lines l;
    BOOST_TEST(l.empty());
    BOOST_TEST(!l.contains(0));
    BOOST_TEST(!l.settle(1));
    BOOST_TEST(!l.pop(0));
    forget(l, 0);
    BOOST_TEST((l.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_line_goes_on_in_order_once_the_verdict_on_its_first_is_in) {
    waiting_lines l;
    l.put_off(3, said("a"), 11, judged(2), start);
    BOOST_TEST((l.contains(3) && !l.contains(4) && !l.empty()));
    BOOST_TEST(l.push(3, said("b"), many, many));
    BOOST_TEST(l.push(3, said("c"), many, many));
    BOOST_TEST(!l.settle(12));
    BOOST_TEST((l.settle(11) == 3u));
    BOOST_TEST(!l.settle(11));
    BOOST_TEST(next(l, 3) == "a 2");
    BOOST_TEST(next(l, 3) == "b 0");
    // That one is put off, again in front of the others.
    l.put_off(3, said("b"), 12, judged(1), start);
    BOOST_TEST(l.push(3, said("d"), many, many));
    BOOST_TEST((l.settle(12) == 3u));
    BOOST_TEST(next(l, 3) == "b 1");
    BOOST_TEST(next(l, 3) == "c 0");
    BOOST_TEST(next(l, 3) == "d 0");
    BOOST_TEST(l.contains(3)); // the last one is still in hand
    BOOST_TEST(next(l, 3) == "nothing");
    BOOST_TEST(l.empty());
}

BOOST_AUTO_TEST_CASE(lines_of_several_have_nothing_to_do_with_each_other) {
    waiting_lines l;
    l.put_off(1, said("a"), 1, judged(0), start);
    l.put_off(2, said("x"), 2, judged(0), start);
    BOOST_TEST(l.push(1, said("b"), many, many));
    BOOST_TEST((l.settle(2) == 2u));
    BOOST_TEST(next(l, 2) == "x 0");
    BOOST_TEST(next(l, 2) == "nothing");
    BOOST_TEST((l.settle(1) == 1u));
    BOOST_TEST(next(l, 1) == "a 0");
    BOOST_TEST(next(l, 1) == "b 0");
}

BOOST_AUTO_TEST_CASE(a_line_is_as_long_as_it_may_be) {
    waiting_lines l;
    l.put_off(1, said("12345"), 1, judged(0), start); // counts, and is never refused
    BOOST_TEST(l.push(1, said("67"), 3, many));
    BOOST_TEST(l.push(1, said("8"), 3, many));
    BOOST_TEST(!l.push(1, said("9"), 3, many));
    BOOST_TEST(!l.push(1, said("9"), many, 8));
    BOOST_TEST(l.push(1, said("9"), many, 9));
    BOOST_TEST(!l.push(1, said("0"), many, 9));
    BOOST_TEST(l.push(1, said(""), many, 9));
    l.settle(1);
    next(l, 1); // makes room
    BOOST_TEST(l.push(1, said("abcde"), 5, 9));
    BOOST_TEST(!l.push(1, said("f"), 5, 9));
    BOOST_TEST(!l.push(1, said("f"), many, 9));
    l.put_off(1, said("67"), 2, judged(0), start);
    BOOST_TEST(!l.push(1, said(""), 6, many));
    BOOST_TEST(l.push(1, said(""), 7, 11));
}

BOOST_AUTO_TEST_CASE(all_lines_have_a_budget_and_addresses_have_shares) {
    waiting_lines l{40};
    const sigfire::address_block here{1, 0}, there{2, 0};
    BOOST_TEST(l.put_off(1, said("12345"), 1, judged(0), start, here));
    BOOST_TEST(l.put_off(2, said("12345"), 2, judged(0), start, here));
    BOOST_TEST(!l.push(1, said("6"), many, many));
    BOOST_TEST(!l.put_off(3, said("6"), 3, judged(0), start, here));
    BOOST_TEST(!l.contains(3));
    BOOST_TEST(!l.put_off(3, said("12345678901"), 3, judged(0), start, there));
    BOOST_TEST(l.put_off(3, said("1234567890"), 3, judged(0), start, there));
    forget(l, 2);
    BOOST_TEST(l.push(1, said("67890"), many, many));
    l.settle(1);
    next(l, 1), next(l, 1);
    BOOST_TEST(l.put_off(4, said("1234567890"), 4, judged(0), start, here));
    BOOST_TEST(l.put_off(5, said(std::string(20, 'x')), 5, judged(0), start), "without an address");
    BOOST_TEST(!l.put_off(6, said("x"), 6, judged(0), start));
}

BOOST_AUTO_TEST_CASE(a_forgotten_line_waits_no_longer) {
    waiting_lines l;
    l.put_off(1, said("a"), 1, judged(0), start);
    l.put_off(2, said("x"), 2, judged(0), start + 1s);
    l.push(1, said("b"), many, many);
    forget(l, 1);
    BOOST_TEST(!l.contains(1));
    BOOST_TEST(!l.settle(1));
    BOOST_TEST((l.deadline() == start + 1s));
    BOOST_TEST(l.due() == 2u);
    // The next in that slot begins anew.
    l.put_off(1, said("c"), 3, judged(0), start + 2s);
    BOOST_TEST(l.push(1, said("d"), 2, 2));
    BOOST_TEST((l.settle(3) == 1u));
    BOOST_TEST(next(l, 1) == "c 0");
    // A line with a first message that waits for nothing, too.
    forget(l, 1);
    BOOST_TEST(next(l, 1) == "nothing");
    forget(l, 2);
    BOOST_TEST(l.empty());
    BOOST_TEST((l.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(whether_a_line_waits_for_a_verdict) {
    waiting_lines l;
    BOOST_TEST(!l.waits(1));
    l.put_off(1, said("a"), 1, judged(0), start);
    l.push(1, said("b"), many, many);
    BOOST_TEST(l.waits(1));
    BOOST_TEST(!l.waits(2));
    l.settle(1);
    BOOST_TEST(!l.waits(1));
    next(l, 1);
    BOOST_TEST(!l.waits(1));
}

BOOST_AUTO_TEST_CASE(deadlines_come_in_turn_but_for_verdicts_that_are_in) {
    waiting_lines l;
    for (std::uint32_t i = 1; i <= 4; ++i) l.put_off(i, said("a"), i, judged(0), start + i * 1s);
    BOOST_TEST((l.deadline() == start + 1s));
    BOOST_TEST(l.due() == 1u);
    l.settle(2);
    BOOST_TEST(l.due() == 1u);
    l.settle(1);
    BOOST_TEST((l.deadline() == start + 3s));
    BOOST_TEST(l.due() == 3u);
    l.settle(3);
    l.settle(4);
    BOOST_TEST((l.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(forgotten_messages_are_told_by_their_tokens_in_order) {
    waiting_lines l;
    const auto named = [](std::string_view token, wire_id wire) {
        event::send e;
        e.token = {token, wire};
        return e;
    };
    event::join join;
    join.token.bytes = "2";
    l.put_off(1, named("1", wire_id::msgpack), 1, judged(0), start);
    l.push(1, join, many, many);
    l.push(1, said("no token"), many, many);
    l.put_off(2, named("x", wire_id::json), 2, judged(0), start);
    std::string told;
    l.erase(1, [&](request_token t) {
        told += std::string{t.bytes} + (t.wire == wire_id::msgpack ? "m" : "") + ",";
        BOOST_TEST(!l.contains(1)); // it has gone already: the callback may ask
    });
    BOOST_TEST(told == "1m,2,,");
    l.erase(1, [](request_token) { BOOST_ERROR("told twice"); });
    BOOST_TEST(l.contains(2));
}

BOOST_AUTO_TEST_CASE(how_far_a_message_has_come_is_kept_with_the_first_alone) {
    waiting_lines l;
    l.put_off(1, said("a"), 1, {0, 3, true}, start);
    l.push(1, said("b"), many, many);
    l.settle(1);
    const auto first = l.pop(1), second = l.pop(1);
    BOOST_TEST_REQUIRE((first && second));
    BOOST_TEST((first->stage.features == 3u && first->stage.permitted));
    BOOST_TEST((second->stage.features == 0u && !second->stage.permitted));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
