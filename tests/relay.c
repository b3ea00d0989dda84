// Between its standard input and output, which are a connection, and a socket: busybox nc has no unix sockets, and the guest nothing else.
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int pass(int from, int to)
{
    char bytes[65536];
    ssize_t read_bytes = read(from, bytes, sizeof bytes);
    for (ssize_t at = 0, wrote; at < read_bytes; at += wrote)
    {
        if ((wrote = write(to, bytes + at, read_bytes - at)) < 0)
        {
            return 0;
        }
    }

    return read_bytes > 0;
}

int main(int count, char **words)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, count > 1 ? words[1] : "", sizeof address.sun_path - 1);
    struct pollfd ends[] = { { .fd = 0, .events = POLLIN }, { .fd = socket(AF_UNIX, SOCK_STREAM, 0), .events = POLLIN } };
    if (connect(ends[1].fd, (struct sockaddr *)&address, sizeof address) < 0)
    {
        return 1;
    }

    while (poll(ends, 2, -1) > 0 && (ends[0].revents == 0 || pass(0, ends[1].fd)) && (ends[1].revents == 0 || pass(ends[1].fd, 1)))
    {
    }

    return 0;
}
