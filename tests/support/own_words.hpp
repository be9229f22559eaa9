// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <chrono>
#include <string_view>
#include <vector>

/// What the hub says, and how sigfire's own wire writes it.
namespace codec_calls {

using namespace sigfire;

/** Calls `f(event, extras, plain)` for events of each type with the JSON text that peers with and without the
 *  extras get for it; empty: nothing. `value(json)` returns the payload of that JSON, in any format;
 *  `token(json)` the token. */
template <class Value, class Token, class F>
void each_own_word(Value value, Token token, F f) {
    using namespace std::chrono_literals;
    using enum event::presence_status;
    const auto map = value(R"({"a":[1,"x\n",null]})"), text = value(R"("hello")"), list = value("[0.5]");
    const auto t = token(R"("t\u00e91")"), seven = token("7");

    // welcomes
    event::resume_grant grant{.token = {}, .proof = "T1", .window = 30s};
    event::welcome w{.id = "m1", .peer = "ann\"", .configuration = {}};
    const auto both = [&f](const auto& e, std::string_view said) { f(e, said, said); };
    both(w, R"({"id":"m1","cmd":"welcome","data":{"id":"ann\""}})");
    w.configuration = map;
    both(w, R"({"id":"m1","cmd":"welcome","data":{"id":"ann\"","configuration":{"a":[1,"x\n",null]}}})");
    w.grant = &grant;
    both(
        w,
        R"({"id":"m1","cmd":"welcome","data":{"id":"ann\"","configuration":{"a":[1,"x\n",null]},"resume":{"token":"T1","window":30000}}})");
    w.configuration = {}, grant.returned = true;
    both(
        w,
        R"({"id":"m1","cmd":"welcome","data":{"id":"ann\"","resume":{"token":"T1","window":30000,"recovered":false}}})");
    grant.recovered = true, grant.received = 4;
    both(
        w,
        R"({"id":"m1","cmd":"welcome","data":{"id":"ann\"","resume":{"token":"T1","window":30000,"recovered":true,"received":4}}})");

    // replies
    event::reply r{.token = t, .data = {}};
    both(r, R"({"id":"t\u00e91","ok":true})");
    r.number = 7; // is not said
    both(r, R"({"id":"t\u00e91","ok":true})");
    r.role = politeness::polite;
    f(r, R"({"id":"t\u00e91","ok":true,"data":{"polite":true}})", R"({"id":"t\u00e91","ok":true})");
    r.role = politeness::impolite;
    f(r, R"({"id":"t\u00e91","ok":true,"data":{"polite":false}})", R"({"id":"t\u00e91","ok":true})");
    r.role = politeness::none, r.cause = errc::held;
    f(r, R"({"id":"t\u00e91","ok":true,"data":{"held":true}})", R"({"id":"t\u00e91","ok":true})");
    r.cause = errc::ok, r.data = map;
    both(r, R"({"id":"t\u00e91","ok":true,"data":{"a":[1,"x\n",null]}})");
    r.cause = errc::denied;
    both(r, R"({"id":"t\u00e91","ok":false,"data":{"a":[1,"x\n",null]}})");
    r.data = {}, r.token = seven;
    f(r, R"({"id":7,"ok":false,"data":{"message":"Denied","cause":"denied"}})",
      R"({"id":7,"ok":false,"data":{"message":"Denied"}})");
    r.text = "no\t\"", r.cause = errc::full;
    f(r, R"({"id":7,"ok":false,"data":{"message":"no\u0009\"","cause":"full"}})",
      R"({"id":7,"ok":false,"data":{"message":"no\u0009\""}})");

    both(event::joined{.token = seven, .topic = "t\"", .members = 2},
         R"({"id":7,"ok":true,"data":{"topic":"t\"","members":2}})");

    event::member_list members{.token = seven, .count = 300};
    both(members, R"({"id":7,"ok":true,"data":{"count":300,"members":[]}})");
    const std::vector<event::member> who{{"a\\", {}}, {"b", map, true}, {"c", list}, {"d", {}, true}};
    members.members = who;
    both(
        members,
        R"({"id":7,"ok":true,"data":{"count":300,"members":[{"id":"a\\"},{"id":"b","metadata":{"a":[1,"x\n",null]},"away":true},{"id":"c","metadata":[0.5]},{"id":"d","away":true}]}})");

    event::record known{.token = seven, .online = true, .last_seen = 1700000000000, .metadata = {}};
    both(known, R"({"id":7,"ok":true,"data":{"online":true,"permanent":false,"last_seen":1700000000000}})");
    known.online = false, known.permanent = true, known.metadata = map, known.last_seen = 0;
    both(
        known,
        R"({"id":7,"ok":true,"data":{"online":false,"permanent":true,"last_seen":0,"metadata":{"a":[1,"x\n",null]}}})");

    both(event::existence{.token = seven, .known = true}, R"({"id":7,"ok":true,"data":{"exists":true}})");
    both(event::existence{.token = seven}, R"({"id":7,"ok":true,"data":{"exists":false}})");

    grant = {.token = seven, .proof = "T2", .window = 1ms};
    both(grant, R"({"id":7,"ok":true,"data":{"token":"T2","window":1}})");
    grant.peer = "bob\"", grant.returned = true;
    both(grant, R"({"id":7,"ok":true,"data":{"id":"bob\"","token":"T2","window":1,"recovered":false}})");
    grant.recovered = true;
    both(grant,
         R"({"id":7,"ok":true,"data":{"id":"bob\"","token":"T2","window":1,"recovered":true,"received":0}})");

    // messages
    event::send s;
    s.id = "m2", s.from = "ann\n";
    f(s, "", "");
    s.command = "x\"";
    both(s, R"({"id":"m2","cmd":"x\"","origin":"ann\u000a"})");
    s.data = text;
    both(s, R"({"id":"m2","cmd":"x\"","origin":"ann\u000a","data":"hello"})");
    s.role = politeness::polite;
    f(s, R"({"id":"m2","cmd":"x\"","origin":"ann\u000a","polite":true,"data":"hello"})",
      R"({"id":"m2","cmd":"x\"","origin":"ann\u000a","data":"hello"})");
    s.role = politeness::impolite, s.data = {};
    f(s, R"({"id":"m2","cmd":"x\"","origin":"ann\u000a","polite":false})",
      R"({"id":"m2","cmd":"x\"","origin":"ann\u000a"})");
    s.topic = "t\t", s.from = {}, s.data = map;
    f(s, R"({"id":"m2","cmd":"x\"","topic":"t\u0009","polite":false,"data":{"a":[1,"x\n",null]}})",
      R"({"id":"m2","cmd":"x\"","data":{"a":[1,"x\n",null]}})");
    s.role = politeness::none;
    f(s, R"({"id":"m2","cmd":"x\"","topic":"t\u0009","data":{"a":[1,"x\n",null]}})",
      R"({"id":"m2","cmd":"x\"","data":{"a":[1,"x\n",null]}})");

    event::publish p;
    p.id = "m3", p.command = "publish", p.topic = "t", p.from = "ann", p.members = 9;
    f(p, R"({"id":"m3","cmd":"publish","origin":"ann","topic":"t"})", "");
    p.from = {}, p.data = list;
    f(p, R"({"id":"m3","cmd":"publish","topic":"t","data":[0.5]})", "");

    event::request q;
    q.id = "m4", q.command = "request", q.from = "ann", q.number = 536870911;
    f(q, R"({"id":"m4","cmd":"request","origin":"ann","request":536870911})", "");
    q.topic = "t", q.data = text;
    f(q, R"({"id":"m4","cmd":"request","origin":"ann","topic":"t","request":536870911,"data":"hello"})", "");

    event::presence news{.id = "m5", .topic = "t"};
    f(news, R"({"id":"m5","cmd":"presence","topic":"t","data":{}})", "");
    news.snapshot = true;
    f(news, R"({"id":"m5","cmd":"presence","topic":"t","data":{"snapshot":true}})", "");
    news.more = true;
    f(news, R"({"id":"m5","cmd":"presence","topic":"t","data":{"more":true,"snapshot":true}})", "");
    const std::vector<event::member_change> moved{{"a", joined, map},
                                                  {"b\"", left, {}, errc::lost},
                                                  {"c", updated, list},
                                                  {"d", away, {}},
                                                  {"e", back, {}}};
    const std::vector<event::entry_change> stated{{"k\"", list, "a\""}, {"gone", {}, {}}};
    news = {.id = "m5", .topic = {}, .members = moved};
    f(news,
      R"({"id":"m5","cmd":"presence","data":{"members":[{"id":"a","status":"joined","metadata":{"a":[1,"x\n",null]}},{"id":"b\"","status":"left","cause":"lost"},{"id":"c","status":"updated","metadata":[0.5]},{"id":"d","status":"away"},{"id":"e","status":"back"}]}})",
      "");
    news = {.id = "m5", .topic = "t", .entries = stated};
    f(news,
      R"({"id":"m5","cmd":"presence","topic":"t","data":{"state":[{"key":"k\"","value":[0.5],"owner":"a\""},{"key":"gone","removed":true}]}})",
      "");
    news = {.id = "m5",
            .topic = "t",
            .snapshot = true,
            .more = true,
            .members = std::span{moved}.subspan(3),
            .entries = std::span{stated}.first(1)};
    f(news,
      R"({"id":"m5","cmd":"presence","topic":"t","data":{"more":true,"snapshot":true,"members":[{"id":"d","status":"away"},{"id":"e","status":"back"}],"state":[{"key":"k\"","value":[0.5],"owner":"a\""}]}})",
      "");

    event::configuration servers{.id = "m9", .data = map};
    f(servers, R"({"id":"m9","cmd":"configuration","data":{"a":[1,"x\n",null]}})", "");
    servers.data = {};
    f(servers, "", "");

    event::expired late{.id = "m6", .from = "bob", .to = "ann", .token = t};
    f(late, R"({"id":"m6","cmd":"expired","origin":"bob","data":{"request":"t\u00e91"}})", "");
    late.token.bytes = {};
    f(late, R"({"id":"m6","cmd":"expired","origin":"bob","data":{}})", "");

    event::session_ended over{.id = "m7", .from = "bob"};
    both(over, R"({"id":"m7","cmd":"bye","origin":"bob","data":{"cause":"lost"}})");
    over.cause = errc::replaced;
    both(over, R"({"id":"m7","cmd":"bye","origin":"bob","data":{"cause":"replaced"}})");
    over.cause = errc::expired;
    both(over, R"({"id":"m7","cmd":"session-timeout","origin":"bob"})");
}

} // namespace codec_calls
