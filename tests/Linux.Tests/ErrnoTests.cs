using EveStorage.Linux;
using Tmds.Linux;

namespace EveStorage.Tests;

public sealed class ErrnoTests
{
    [Fact]
    public void An_address_that_is_taken_is_busy()
        => Errno.Failure(LibC.EADDRINUSE, "tcp 127.0.0.1:4420", "symlink").Kind.ShouldBe(StorageErrorKind.Busy);
}
