// uWebSockets, as its own example of an echo server uses it. Its source is not part of this
// project: `cargo xtask bench websocket --uwebsockets FOLDER` says where it is.
#include "App.h"

#include <cstdlib>
#include <cstring>
#include <iostream>

namespace {

constexpr unsigned MESSAGE_MAX = 1u << 20;
constexpr unsigned BACKPRESSURE_MAX = 16u << 20;
constexpr unsigned short IDLE_TIMEOUT_S = 120;

struct PerSocketData {};

void serve(bool deflate) {
    uWS::App app;
    app.ws<PerSocketData>("/*", {
        // The windows that all connections share, and that are forgotten after each message.
        .compression = deflate ? uWS::CompressOptions(uWS::SHARED_COMPRESSOR |
                                                      uWS::SHARED_DECOMPRESSOR)
                               : uWS::CompressOptions(uWS::DISABLED),
        .maxPayloadLength = MESSAGE_MAX,
        .idleTimeout = IDLE_TIMEOUT_S,
        .maxBackpressure = BACKPRESSURE_MAX,
        .message = [deflate](auto *ws, std::string_view message, uWS::OpCode opcode) {
            ws->send(message, opcode, deflate);
        },
    });
    app.listen("127.0.0.1", 0, [](auto *socket) {
        if (socket == nullptr) std::exit(1);
        auto *plain = reinterpret_cast<us_socket_t *>(socket);
        std::cout << "port " << us_socket_local_port(0, plain) << std::endl;
    });
    app.run();
}

}  // namespace

int main(int argc, char **argv) {
    bool deflate = argc > 2 && std::strcmp(argv[1], "--deflate") == 0 && std::atoi(argv[2]) != 0;
    serve(deflate);
    return 0;
}
