// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** Metrics as text in the exposition format of Prometheus, version 0.0.4:
 *  https://prometheus.io/docs/instrumenting/exposition_formats
 *
 *  Each name gets the prefix `sigfire_`, except for `process_` names. Samples of one name may be added in any
 *  order, also between those of other names. Answer with the content type `prometheus_text::content_type`. */
class prometheus_text {
public:
    /// The content type of `text`.
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    /// A label of a sample. The value is UTF-8; peers must not choose it, or the number of samples has no
    /// bound.
    struct label {
        std::string_view name;  ///< `[a-zA-Z_][a-zA-Z0-9_]*`
        std::string_view value; ///< any text
    };
    /// The labels of a sample.
    using labels = std::initializer_list<label>;

    /// Adds a sample of a counter; its name ends with `_total`.
    /// @param name name without prefix
    /// @param help one line about the metric
    /// @param value the value; never less than before
    /// @param with the labels
    void counter(std::string_view name, std::string_view help, std::uint64_t value, labels with = {}) {
        add(name, "counter", help, {}, with, {}, std::to_string(value));
    }
    /// The same for a value with a fraction, for example in seconds.
    void counter(std::string_view name, std::string_view help, double value, labels with = {}) {
        add(name, "counter", help, {}, with, {}, number(value));
    }
    /// Adds a sample of a gauge: a present value.
    void gauge(std::string_view name, std::string_view help, std::uint64_t value, labels with = {}) {
        add(name, "gauge", help, {}, with, {}, std::to_string(value));
    }
    /// The same for a value with a fraction.
    void gauge(std::string_view name, std::string_view help, double value, labels with = {}) {
        add(name, "gauge", help, {}, with, {}, number(value));
    }
    /** Adds a histogram.
     *  @param name name without prefix
     *  @param help one line about the metric
     *  @param bounds upper bound of each bucket but the last, in increasing order
     *  @param counts number of observations in each bucket, not added up; one more than bounds
     *  @param sum sum of all observations */
    template <class Bounds, class Counts>
    void histogram(std::string_view name, std::string_view help, const Bounds& bounds, const Counts& counts,
                   double sum) {
        std::uint64_t all = 0;
        std::size_t i = 0;
        for (const auto n : counts) {
            all += static_cast<std::uint64_t>(n);
            const auto bound = i < std::size(bounds) ? number(static_cast<double>(bounds[i])) : "+Inf";
            add(name, "histogram", help, "_bucket", {}, label{"le", bound}, std::to_string(all));
            ++i;
        }
        add(name, "histogram", help, "_sum", {}, {}, number(sum));
        add(name, "histogram", help, "_count", {}, {}, std::to_string(all));
    }

    /// The text.
    std::string text() const {
        std::string out;
        for (const auto& f : families_) {
            out += "# HELP " + f.name + ' ' + f.help + "\n# TYPE " + f.name + ' ' + f.type + '\n';
            out += f.samples;
        }
        return out;
    }

private:
    struct family {
        std::string name, type, help, samples;
    };

    void add(std::string_view name, std::string_view type, std::string_view help, std::string_view suffix,
             labels with, label last, std::string_view value) {
        auto& f = of(name, type, help);
        f.samples.append(f.name).append(suffix);
        char separator = '{';
        const auto write = [&](const label& l) {
            if (l.name.empty()) return;
            f.samples += separator;
            f.samples.append(l.name).append("=\"");
            for (const char c : l.value)
                if (c == '\n')
                    f.samples += "\\n";
                else
                    (c == '\\' || c == '"' ? f.samples += '\\' : f.samples) += c;
            f.samples += '"';
            separator = ',';
        };
        for (const auto& l : with) write(l);
        write(last);
        if (separator == ',') f.samples += '}';
        f.samples.append(" ").append(value).append("\n");
    }

    family& of(std::string_view name, std::string_view type, std::string_view help) {
        std::string whole{name.starts_with("process_") ? "" : "sigfire_"};
        whole += name;
        for (auto& f : families_)
            if (f.name == whole) return f;
        return families_.emplace_back(std::move(whole), std::string{type}, std::string{help}, std::string{});
    }

    static std::string number(double value) {
        std::array<char, 32> text;
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
        return end.ec == std::errc{} ? std::string(text.data(), end.ptr) : "0";
    }

    std::vector<family> families_; // in the order of their first samples
};

} // namespace sigfire::inline v0_1
