using EveStorage.Lvm;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The fixture is the beginning of a drive that LVM made a volume group of.</summary>
public sealed class MetadataVersionTests : IDisposable
{
    private const int CommittedAt = 4096 + 40;   // mda_header: where the metadata that counts begins

    private readonly TemporaryDirectory _directory = new();
    private readonly byte[] _head = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "drive-head.bin"));

    [Fact]
    public void It_is_the_same_until_lvm_commits()
    {
        string drive = Put(_head);
        string? before = MetadataVersion.Read([drive]);

        before.ShouldNotBeNull();
        MetadataVersion.Read([drive]).ShouldBe(before);
        _head[CommittedAt]++;
        Put(_head);

        MetadataVersion.Read([drive]).ShouldNotBe(before);
    }

    [Fact]
    public void Nothing_is_known_of_a_drive_that_lvm_has_not_written_or_that_is_gone()
    {
        string drive = Put(_head);

        MetadataVersion.Read([drive, _directory["absent"]]).ShouldBeNull();
        MetadataVersion.Read([]).ShouldBeNull();
        Put(new byte[_head.Length]);

        MetadataVersion.Read([drive]).ShouldBeNull();
    }

    [Fact]
    public void The_first_sectors_are_read_whatever_is_in_them()
    {
        byte[] sectors = _head[..2048];
        MetadataVersion.AreaIn(sectors).ShouldBe(4096);

        for (int at = 0; at < sectors.Length; at++)
        {
            MetadataVersion.AreaIn(sectors.AsSpan(0, at));
            foreach (byte other in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                byte[] changed = [.. sectors];
                changed[at] = other;
                MetadataVersion.AreaIn(changed);
            }
        }
    }

    public void Dispose() => _directory.Dispose();

    private string Put(byte[] head)
    {
        byte[] whole = new byte[8192];
        head.CopyTo(whole, 0);
        File.WriteAllBytes(_directory["drive"], whole);
        return _directory["drive"];
    }
}
