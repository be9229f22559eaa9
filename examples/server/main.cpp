// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The program `sigfire`: one hub with any number of listeners, and a page to try it.

#include "background.hpp"
#include "check.hpp"
#include "serve.hpp"
#include "settings.hpp"
#include "token.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

// If one of these is closed, a descriptor of the loop could take its number.
void open_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

// With the dynamic threshold of glibc, more than half of the memory of a burst would stay with the process.
void give_back_large_blocks() {
#ifdef __GLIBC__
    ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

int token_command(const std::vector<std::string>& words) {
    try {
        return sign_token(words);
    } catch (const std::exception& e) {
        std::cerr << "sigfire: " << e.what() << '\n';
        return 2;
    }
}

} // namespace

int main(int argc, char** argv) {
    open_standard_descriptors();
    give_back_large_blocks();
    // These signals must not end the program before it has handlers for them.
    for (const int s : {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(s, SIG_IGN);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && is_background_command(words.front())) return background_command(words);
    if (!words.empty() && words.front() == "token") return token_command(words);
    loaded_settings loaded;
    if (const auto exit_code = read_settings(words, loaded)) return *exit_code;
    try {
        if (loaded.command == "check") return check(loaded);
        if (loaded.command == "explain") return explain(loaded);
        return serve(loaded, [words] { return load_settings(words); });
    } catch (const std::exception& e) { // a certificate that cannot be used, for example
        std::string_view why = e.what();
        if (why.starts_with("sigfire: ")) why.remove_prefix(9);
        std::cerr << "sigfire: " << why << '\n';
        return 1;
    }
}
