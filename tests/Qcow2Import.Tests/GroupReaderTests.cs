using EveStorage.Qcow2Import;

namespace EveStorage.Tests;

/// <summary>Encoders hold memory that nobody collects: a save that is broken off keeps none of it.</summary>
public sealed class GroupReaderTests
{
    private const int Groups = 16;

    private int _alive;

    [Fact]
    public async Task Each_encoder_is_let_go_of_when_reading_ends_early()
    {
        int made = 0;
        using (GroupReader reader = Reader(new MemoryVolume(new byte[Groups * SavedLayout.GroupLength]), () => made++))
        {
            await foreach (ClusterGroup group in reader.ReadAsync(EachGroup, TestContext.Current.CancellationToken))
            {
                break;
            }
        }

        made.ShouldBeGreaterThan(1);
        _alive.ShouldBe(0);
    }

    [Fact]
    public async Task And_when_the_volume_can_not_be_read()
    {
        MemoryVolume volume = new(new byte[Groups * SavedLayout.GroupLength])
        {
            Reading = static at => _ = at >= 3 * SavedLayout.GroupLength ? throw new IOException("a drive that fails") : 0,
        };

        using (GroupReader reader = Reader(volume, static () => { }))
        {
            await Should.ThrowAsync<IOException>(async () => await reader.ReadAsync(EachGroup, TestContext.Current.CancellationToken).LastAsync());
        }

        _alive.ShouldBe(0);
    }

    private static ValueTask<long?> EachGroup(long number, CancellationToken cancellationToken) => new(number < Groups ? number : null);

    private GroupReader Reader(MemoryVolume volume, Action made) => new(volume, Groups * SavedLayout.GroupLength, () =>
    {
        made();
        _alive++;
        return new CountedEncoder(() => _alive--);
    });

    /// <summary>One that packs nothing, and tells that it is let go of.</summary>
    private sealed class CountedEncoder(Action disposed) : IClusterEncoder
    {
        public int Encode(ReadOnlySpan<byte> cluster, Span<byte> target) => 0;

        public void Dispose() => disposed();
    }
}
