// SPDX-License-Identifier: Apache-2.0
// For a kernel without SCTP: osmo-msc listens for MMEs by TCP instead, where none comes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol) {
    int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
    if (protocol == IPPROTO_SCTP)
        return real(domain, (type & ~0xf) | SOCK_STREAM, IPPROTO_TCP);
    return real(domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
    return level == IPPROTO_SCTP ? 0 : real(fd, level, name, value, length);
}

int sctp_bindx(int fd, struct sockaddr *address, int count, int flags) {
    (void)count;
    (void)flags;
    return bind(fd, address, sizeof(struct sockaddr_in));
}
