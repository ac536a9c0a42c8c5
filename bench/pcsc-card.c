/*
 * The card of bench/pcsc.ts as a program that costs as little as a card can: answers READ BINARY with 256 octets, all
 * else with 9000. vsmartcard, vpcd protocol
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GET_ATR = 4, READ_BINARY = 0xb0, ATTEMPTS = 50 };

static const unsigned char atr[] = {0x3b, 0x9f, 0x96, 0x80, 0x3f, 0xc7, 0x82, 0x80, 0x31, 0xe0, 0x73, 0xfe,
                                    0x21, 0x1b, 0x63, 0xe2, 0x08, 0xa8, 0x83, 0x0f, 0x90, 0x00, 0x89};

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
        close(fd);
        usleep(100000);
    }
    return -1;
}

static int take(int fd, unsigned char *to, size_t length)
{
    return recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

/* Writes the answer to a message; its length, 0 for messages that have none. */
static size_t answer(const unsigned char *message, size_t length, unsigned char *out)
{
    if (length == 1) {
        if (message[0] != GET_ATR) return 0;
        memcpy(out, atr, sizeof atr);
        return sizeof atr;
    }
    size_t data = message[1] == READ_BINARY ? 256 : 0;
    memset(out, 0x5a, data);
    out[data] = 0x90;
    out[data + 1] = 0x00;
    return data + 2;
}

int main(int argc, char **argv)
{
    static unsigned char in[65536], out[2 + 258];
    int fd = argc > 1 ? dial(atoi(argv[1])) : -1;
    if (fd < 0) return 1;
    while (take(fd, in, 2)) {
        size_t length = (size_t)in[0] << 8 | in[1];
        if (length == 0) continue;
        if (!take(fd, in, length)) break;
        size_t octets = answer(in, length, out + 2);
        if (octets == 0) continue;
        out[0] = octets >> 8;
        out[1] = octets & 0xff;
        send(fd, out, octets + 2, MSG_NOSIGNAL);
    }
    return 0;
}
