using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class BlockFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void What_was_written_is_read_cached_or_not()
    {
        using BlockFile file = BlockFile.Create(_directory["file"]);
        byte[] data = [.. Enumerable.Range(0, 8192).Select(i => (byte)i)];

        file.Write(4096, data, stable: true);

        byte[] read = new byte[data.Length];
        file.Read(4096, read);
        read.ShouldBe(data);
        Array.Clear(read);
        file.TryReadCached(4096, read).ShouldBeTrue("it was just written");
        read.ShouldBe(data);
        file.TryReadCached(8192, read).ShouldBeFalse("it ends in between");
    }

    [Fact]
    public void Bytes_are_read_from_the_device_wherever_they_begin()
    {
        byte[] data = [.. Enumerable.Range(0, 12288).Select(i => (byte)(i * 7))];
        File.WriteAllBytes(_directory["file"], data);
        byte[] read = new byte[5000];

        BlockFile.ReadUncached(_directory["file"], 4000, read);

        read.ShouldBe(data[4000..9000]);
        Should.Throw<StorageException>(() => BlockFile.ReadUncached(_directory["file"], 12000, read)).Message.ShouldContain("ends before");
    }

    [Fact]
    public void Holes_take_no_space_and_read_as_zeros()
    {
        using BlockFile file = BlockFile.Create(_directory["file"]);
        file.SetLength(8 << 20);
        file.Look().Allocated.ShouldBe(0);
        file.Write(4 << 20, new byte[1 << 20]);
        file.Flush();

        (file.NextData(0), file.NextHole(4 << 20)).ShouldBe((4 << 20, 5 << 20));
        file.PunchHole(4 << 20, 1 << 20);

        file.Look().ShouldBe(new(8 << 20, 0, BlockFile.Look(_directory["file"]).Inode));
        file.NextData(0).ShouldBe(8 << 20);
    }

    [Fact]
    public void Bytes_are_given_to_another_file_up_to_the_end_of_theirs()
    {
        byte[] data = [.. Enumerable.Range(0, 3 * 4096).Select(i => (byte)(i * 7))];
        using BlockFile source = BlockFile.Create(_directory["source"]);
        source.Write(0, data);
        using BlockFile target = BlockFile.Create(_directory["target"]);
        target.SetLength(1 << 20);

        SparseFile.Share(source.Handle, 4096, target.Handle, 64 << 10, 4096).ShouldBe(4096);
        SparseFile.Share(source.Handle, 8192, target.Handle, 128 << 10, 64 << 10).ShouldBe(4096, "there is no more of it");

        byte[] read = new byte[4096];
        target.Read(64 << 10, read);
        read.ShouldBe(data[4096..8192]);
        target.Read(128 << 10, read);
        read.ShouldBe(data[8192..]);
    }

    [Fact]
    public void A_sparse_copy_has_the_same_bytes_and_holes()
    {
        using BlockFile source = BlockFile.Create(_directory["source"]);
        source.SetLength(16 << 20);
        source.Write(1 << 20, Enumerable.Repeat((byte)7, 1 << 20).ToArray());
        source.Write(15 << 20, Enumerable.Repeat((byte)9, 4096).ToArray());
        using BlockFile copy = BlockFile.Create(_directory["copy"]);

        copy.CopySparse(source, null, default);

        File.ReadAllBytes(_directory["copy"]).ShouldBe(File.ReadAllBytes(_directory["source"]));
        copy.Flush();
        copy.Look().Allocated.ShouldBe((1 << 20) + 4096);
    }

    [Fact]
    public void A_shared_lock_becomes_exclusive_only_when_no_other_opening_has_it()
    {
        using BlockFile a = BlockFile.Create(_directory["file"]);
        using BlockFile b = BlockFile.Open(_directory["file"], writable: true);

        a.TryLock(0, exclusive: false).ShouldBeTrue();
        a.TryLock(0, exclusive: true).ShouldBeTrue();
        b.TryLock(0, exclusive: false).ShouldBeFalse();
        a.TryLock(0, exclusive: false).ShouldBeTrue();
        b.TryLock(0, exclusive: false).ShouldBeTrue();
        a.TryLock(0, exclusive: true).ShouldBeFalse();
        b.Unlock(0);
        a.TryLock(0, exclusive: true).ShouldBeTrue();
    }

    [Fact]
    public async Task Who_waits_for_a_lock_gets_it_alone_and_one_after_another()
    {
        File.WriteAllText(_directory["file"], "");
        int inside = 0;
        int together = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int turn = 0; turn < 500; turn++)
            {
                using BlockFile file = BlockFile.Open(_directory["file"], writable: true);
                file.WaitForLock(0);
                together += Interlocked.Increment(ref inside) - 1;
                Interlocked.Decrement(ref inside);
                file.Unlock(0);
            }
        })));

        together.ShouldBe(0);
    }

    [Fact]
    public void A_symbolic_link_is_not_opened()
    {
        File.WriteAllText(_directory["file"], "x");
        File.CreateSymbolicLink(_directory["link"], _directory["file"]);

        Should.Throw<StorageException>(() => BlockFile.Open(_directory["link"], writable: false)).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Fact]
    public void Publishing_gives_a_file_its_name_and_never_replaces_another()
    {
        File.WriteAllText(_directory["first"], "first");
        File.WriteAllText(_directory["second"], "second");

        DurableFile.Publish(_directory["first"], _directory["name"]);
        StorageException e = Should.Throw<StorageException>(() => DurableFile.Publish(_directory["second"], _directory["name"]));

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        File.ReadAllText(_directory["name"]).ShouldBe("first");
    }

    [Fact]
    public void A_full_file_system_is_out_of_space()
    {
        using BlockFile file = BlockFile.Open("/dev/full", writable: true);

        Should.Throw<StorageException>(() => file.Write(0, new byte[512])).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
    }

    [Fact]
    public void Asking_a_file_for_its_device_size_is_not_supported()
        => Should.Throw<StorageException>(() => BlockDevice.GetSize(typeof(BlockFileTests).Assembly.Location)).Kind.ShouldBe(StorageErrorKind.NotSupported);

    public void Dispose() => _directory.Dispose();
}
