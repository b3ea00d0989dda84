using EveStorage.Lvm;

namespace EveStorage.Tests;

public class PoolShapeTests
{
    [Theory]
    [InlineData(PoolRedundancy.None, 1, 1, "--type linear")]
    [InlineData(PoolRedundancy.None, 2, 2, "--type striped --stripes 2")]
    [InlineData(PoolRedundancy.Mirror, 2, 1, "--type raid1 --mirrors 1")]
    [InlineData(PoolRedundancy.Mirror, 3, 1, "--type raid1 --mirrors 2")]
    [InlineData(PoolRedundancy.Mirror, 4, 1, "--type raid10 --mirrors 1 --stripes 2")]
    [InlineData(PoolRedundancy.Parity, 3, 1, "--type raid5 --stripes 2")]
    [InlineData(PoolRedundancy.DoubleParity, 5, 1, "--type raid6 --stripes 3")]
    public void Redundancy_is_a_type_of_lvms(PoolRedundancy redundancy, int drives, int stripes, string words)
        => string.Join(' ', new PoolShape(redundancy, LvmProvisioning.Thin, drives, stripes).DataWords).ShouldBe(words);

    [Fact]
    public void A_pool_opens_as_the_tags_say_that_it_was_made()
    {
        PoolShape shape = new(PoolRedundancy.Parity, LvmProvisioning.Thick, 4, 1);

        PoolShape.Read(LvTags.Read(string.Join(',', shape.Tags())), "vg").ShouldBe(shape);
    }

    [Fact]
    public void Tags_that_do_not_say_how_a_pool_was_made_are_corrupt()
        => Should.Throw<StorageException>(() => PoolShape.Read(LvTags.Read("evestorage"), "vg")).Kind.ShouldBe(StorageErrorKind.Corrupt);

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(8L << 30)]
    [InlineData(512L << 30)]
    [InlineData(64L << 40)]
    public void Metadata_has_room_for_every_chunk_twice_and_may_grow_once(long free)
    {
        ThinPoolLayout layout = ThinPoolLayout.For(new(free), new());

        long data = (free - layout.Metadata.Bytes) / 100 * layout.PercentOfFree;
        layout.Metadata.Bytes.ShouldBeGreaterThanOrEqualTo(Math.Min(2 * 64 * (data / layout.Chunk.Bytes), ThinPoolLayout.MostMetadata.Bytes));
        (free - data).ShouldBeGreaterThanOrEqualTo(3 * layout.Metadata.Bytes);
    }

    [Fact]
    public void A_drive_that_is_too_small_for_a_thin_pool_is_refused()
        => Should.Throw<StorageException>(() => ThinPoolLayout.For(ByteSize.MiB(24), new())).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
}
