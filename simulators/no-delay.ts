import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int accept(int listener, struct sockaddr *address, socklen_t *length)
{
    static int (*next)(int, struct sockaddr *, socklen_t *);
    int one = 1;
    if (!next) next = (int (*)(int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "accept");
    int fd = next(listener, address, length);
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
`;

/**
 * A library to preload that makes accepted TCP connections send at once, built in `folder`; nothing without a C
 * compiler.
 */
export function noDelayLibrary(folder: string): string | undefined {
  const from = join(folder, "no-delay.c");
  const to = join(folder, "no-delay.so");
  writeFileSync(from, source);
  const built = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", to, from, "-ldl"], { stdio: "ignore" });
  return built.status === 0 ? to : undefined;
}
