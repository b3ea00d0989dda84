using System.Security.Cryptography;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class DataPathTests
{
    [Theory]
    [InlineData(PduDigests.None)]
    [InlineData(PduDigests.Header)]
    [InlineData(PduDigests.Data)]
    [InlineData(PduDigests.Header | PduDigests.Data)]
    public async Task What_was_written_is_read_back_in_every_size_and_with_every_digest(PduDigests digests)
    {
        await using TestTarget target = new();
        await target.ExportAsync(TestTarget.Spec(), new MemoryBlocks(4 << 20));
        await using NvmeTcpInitiator initiator = await target.ConnectAsync(o => o with { Digests = digests });

        foreach (int size in (int[])[512, 4096, 8192, 8704, 65536, 131072, 1 << 20])
        {
            byte[] written = RandomNumberGenerator.GetBytes(size);
            byte[] read = new byte[size];
            await initiator.WriteAsync(1, 512, written, WriteDurability.Cached, CancellationToken.None);
            await initiator.ReadAsync(1, 512, read, CancellationToken.None);
            read.ShouldBe(written);
        }
    }
}
