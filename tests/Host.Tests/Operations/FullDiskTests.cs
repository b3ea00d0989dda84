using EveStorage.Cli.Api;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>The state and the pool on one ext4 that is full to the last block: what makes room again has to work there.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_volume_can_be_deleted_on_a_disk_that_is_full_to_the_last_block()
    {
        Command? format = Command.Find("mkfs.ext4");
        bool can = Environment.UserName == "root" && format is not null && File.Exists("/dev/loop-control");
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", "needs root, mkfs.ext4 and a loop device");
        await using TestEngine host = new();
        Directory.CreateDirectory(host.State, (UnixFileMode)0b111_000_000);
        using (FileStream image = File.Create(host["disk"]))
        {
            image.SetLength(64 << 20);
        }

        await format!.RunAsync(["-q", "-m", "0", host["disk"]], default);
        await Command.Find("mount")!.RunAsync(["-o", "loop", host["disk"], host.State], default);
        try
        {
            File.SetUnixFileMode(host.State, (UnixFileMode)0b111_000_000);
            await host.StartAsync();
            await host.DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"), TestEngine.Create("vm2"));
            using (BlockFile image = BlockFile.Open(Path.Combine(host.PoolPath, "volumes/vm1/image"), writable: true))
            {
                image.Write(0, Enumerable.Repeat((byte)1, 4 << 20).ToArray(), stable: true);
            }

            await host.EndAsync();
            Fill(Path.Combine(host.State, "fill"));
            await host.StartAsync();

            await host.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
            await host.DoAsync(TestEngine.Create("vm3"));

            File.Exists(Path.Combine(host.State, "operations/reserve")).ShouldBeTrue("it is made again for the next time");
            await host.EndAsync();
        }
        finally
        {
            await host.EndAsync();
            await Command.Find("umount")!.RunAsync([host.State], default);
        }
    }

    // By the block, synced between: what is freed late, or kept back for delayed allocation, is filled too.
    private static void Fill(string path)
    {
        using BlockFile file = BlockFile.Create(path);
        long at = 0;
        for (int round = 0; round < 3; round++)
        {
            foreach (int length in (int[])[1 << 20, 4096, 1024])   // the last is a block of a file system of this size
            {
                try
                {
                    for (; ; at += length)
                    {
                        file.Write(at, new byte[length], stable: true);
                    }
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace)
                {
                    // Full, for pieces of this length.
                }
            }
        }

        FileSystem.Of(Path.GetDirectoryName(path)!).Free.Bytes.ShouldBe(0);
    }
}
