using CsCheck;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

public sealed class SavedStreamTests
{
    [Fact]
    public Task What_is_saved_replays_to_the_same_disk()
        => Gen.Select(Gen.Int[1, 600], Gen.Select(Gen.Int[0, 599], Gen.Int[1, 40], Gen.Byte).Array[0, 12]).SampleAsync(async (sectors, writes) =>
        {
            byte[] disk = new byte[sectors * 512];
            foreach ((int sector, int length, byte value) in writes)
            {
                disk.AsSpan(Math.Min(sector, sectors) * 512, Math.Min(length, Math.Max(0, sectors - sector)) * 512).Fill(value);
            }

            (await Replay.DiskAsync(await SaveAsync(disk))).ShouldBe(disk);
        }, iter: 200);

    // A receiver sees the records: the checksums of the sender's own pool, its times and its names are all that differs.
    [Theory]
    [InlineData("vol-off-16k.plain.zs")]
    [InlineData("vol-lz4-16k.plain.zs")]
    [InlineData("vol-inc.full4.zs")]
    public async Task It_is_record_for_record_what_ZFS_sends_of_the_same_disk(string name)
    {
        byte[] real = RealStreams.Bytes(name);

        byte[] disk = await Replay.DiskAsync(real);
        byte[] ours = await SaveAsync(disk);

        (await RecordsAsync(ours, disk.Length)).ShouldBe(await RecordsAsync(real, disk.Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task A_size_that_ZFS_has_no_volume_of_is_refused(int size)
        => (await Should.ThrowAsync<StorageException>(() => SaveAsync(new byte[size]))).Kind.ShouldBe(StorageErrorKind.NotSupported);

    [Fact]
    public async Task Two_images_of_one_volume_are_two_snapshots()
    {
        byte[] disk = new byte[4096];

        (await SaveAsync(disk, Guid.NewGuid())).ShouldNotBe(await SaveAsync(disk, Guid.NewGuid()));
    }

    private static async Task<byte[]> SaveAsync(byte[] disk, Guid id = default)
    {
        using MemoryStream image = new();
        SavedVolume volume = new() { Name = new("vm1"), Id = id, Taken = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero), Blocks = new MemoryVolume(disk) };
        await new ZfsStreamFormat().WriteAsync(volume, image, new Progress<ByteSize>(), default);
        return image.ToArray();
    }

    // What is behind the last block is freed first by the one, which knows it beforehand, and last by the other.
    private static async Task<List<string>> RecordsAsync(byte[] stream, long size)
    {
        RecordReader reader = new(new MemorySource(stream), 0, 4096, verify: true);
        List<string> told = [];
        while (await reader.ReadAsync(default) is StreamRecord record)
        {
            ReadOnlySpan<byte> bytes = stream.AsSpan((int)reader.Position, RecordView.Length);
            RecordView view = new(bytes, swapped: false);
            string said = record.Type switch
            {
                RecordType.Begin => $"begin {view.VersionInfo:x} {view.ObjectSetType} {view.BeginFlags:x} {view.FromGuid}",
                RecordType.Object => $"object {record.Object} {record.Kind} {view.BonusLength} {Convert.ToHexStringLower(bytes.Slice(32, 8))} {Convert.ToHexStringLower(bytes.Slice(48, 232))}",
                RecordType.Write => $"write {record.Object} {view.ObjectType} {record.Offset} {record.End} {record.Compression}",
                RecordType.Free when record.Object == Substream.DataObject && record.End < size => $"free {record.Offset} {record.End}",
                RecordType.FreeObjects => $"free objects {record.Offset} {record.End}",
                RecordType.End => "end",
                _ => "",
            };
            if (said.Length > 0)
            {
                told.Add(said);
            }
        }

        return told;
    }
}
