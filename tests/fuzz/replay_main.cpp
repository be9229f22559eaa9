// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Stands in for libFuzzer: runs a fuzz target over every file of the folders given, as an ordinary test.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    std::size_t inputs = 0;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::vector<char> chars(std::istreambuf_iterator<char>(file), {});
            const std::vector<std::uint8_t> bytes(chars.begin(), chars.end());
            std::printf("%s\n", entry.path().c_str());
            std::fflush(stdout); // so that the culprit is the last name shown
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
            ++inputs;
        }
    std::printf("%zu inputs\n", inputs);
    return inputs == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
