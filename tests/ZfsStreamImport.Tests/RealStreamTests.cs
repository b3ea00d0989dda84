using System.Globalization;
using EveStorage.ZfsStreamImport;

namespace EveStorage.Tests;

public sealed class RealStreamTests
{
    public static TheoryData<string> Whole => [.. RealStreamCases.Whole.Select(stream => stream.Name)];

    public static TheoryData<string> Chains => [.. RealStreamCases.Chains.Select(chain => string.Join(' ', chain))];

    public static TheoryData<string, string> Refused
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach ((string name, string sentence) in RealStreamCases.Refused)
            {
                data.Add(name, sentence);
            }

            return data;
        }
    }

    [Fact]
    public void Every_stream_is_replayed_or_refused_here()
        => RealStreams.All.Select(stream => stream.Name)
            .Except([.. RealStreamCases.Whole.Select(stream => stream.Name), .. RealStreamCases.Refused.Keys, "vol-huge.plain.zs", "vol-huge.Lec.zs", "vol-res.cut.zs"])
            .ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Whole))]
    public async Task What_a_volume_held_is_what_its_stream_replays_to(string name)
    {
        RealStream stream = RealStreams.Named(name);

        (await Replay.DigestAsync(stream.Bytes)).ShouldBe(stream.Content);
    }

    [Theory]
    [MemberData(nameof(Chains))]
    public async Task Streams_that_go_on_from_one_another_replay_to_what_the_last_one_left(string chain)
    {
        string[] names = chain.Split(' ');

        (await Replay.DigestAsync([.. names.Select(RealStreamCases.BytesOf)])).ShouldBe(RealStreams.Named(names[^1]).Content);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_can_t_be_replayed_is_inspected_and_refused_by_name(string name, string sentence)
    {
        await using IImageReader reader = await OpenAsync(RealStreams.Bytes(name));

        StorageException refused = Should.Throw<StorageException>(() => reader.ReadExtentsAsync(default));

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        refused.Message.ShouldContain(sentence);
        refused.Message.ShouldContain("ZFS pool");
    }

    [Fact]
    public async Task A_stream_that_was_cut_is_no_stream()
        => (await Should.ThrowAsync<StorageException>(() => OpenAsync(RealStreams.Bytes("vol-res.cut.zs")))).Message.ShouldContain("cut short");

    [Fact]
    public async Task Every_stream_is_described_as_ZFS_s_own_tool_describes_it()
    {
        string[][] rows = [.. RealStreams.Lines("zstream-dump.tsv").Select(line => line.Split('\t'))];
        foreach (string[] row in rows)
        {
            await using IImageReader reader = await OpenAsync(RealStreams.Bytes(row[0]));

            reader.Details["snapshot"].ShouldBe(row[4], row[0]);
            reader.Details["created"].ShouldBe(DateTimeOffset.FromUnixTimeSeconds(long.Parse(row[5], CultureInfo.InvariantCulture)).ToString("u", CultureInfo.InvariantCulture), row[0]);
            reader.Details["guids"].ShouldBe(row[6].Replace("0000000000000000>", "", StringComparison.Ordinal).Replace(">", " -> ", StringComparison.Ordinal).Replace(",", ", ", StringComparison.Ordinal), row[0]);
            reader.Details["stream"].ShouldBe($"{(row[1] != "1" ? $"{row[1]} streams" : row[6].StartsWith("0000000000000000>", StringComparison.Ordinal) ? "full" : "incremental")}{(row[2] == "1" ? " in a package" : "")}", row[0]);
            reader.Details["of"].ShouldBe(row[0].StartsWith("tree", StringComparison.Ordinal) ? "file system, volume" : row[3] == "3" ? "volume" : "file system", row[0]);
            ((ulong)Enum.Parse<StreamFeatures>(reader.Details["features"].Replace("_", "", StringComparison.Ordinal), ignoreCase: true))
                .ShouldBe(ulong.Parse(row[7], NumberStyles.HexNumber, CultureInfo.InvariantCulture), row[0]);
            foreach (string counted in row[8].Split(' '))
            {
                string[] parts = counted.Split('=');
                string shown = $"{parts[1]} {(parts[0] == "FREEOBJECTS" ? "free_objects" : parts[0].ToLowerInvariant())}";
                reader.Details["records"].Split(", ").Contains(shown).ShouldBe(parts[1] != "0", $"{row[0]}: {counted}");
            }

            // A raw stream has its size encrypted, and an incremental one says it only where it changed.
            if (RealStreams.Named(row[0]).VolumeSize is long size && reader.Details["of"] == "volume" && !reader.Details["features"].Contains("raw"))
            {
                (reader.VirtualSize.Bytes == size || (reader.VirtualSize.Bytes == 0 && !row[6].StartsWith("0000000000000000>", StringComparison.Ordinal))).ShouldBeTrue(row[0]);
            }
        }

        rows.Length.ShouldBe(RealStreams.All.Count - 1);
    }

    [Theory]
    [InlineData("vol-huge.plain.zs")]
    [InlineData("vol-huge.Lec.zs")]
    public async Task A_volume_of_1_TiB_has_its_three_blocks_where_they_were(string name)
    {
        byte[] stream = RealStreams.Bytes(name);
        byte[] block = (await Replay.DiskAsync(RealStreams.Bytes("vol-lz4-16k.plain.zs")))[..16384];
        await using IImageReader reader = await OpenAsync(stream);
        List<long> found = [];
        await foreach (ImageExtent extent in reader.ReadExtentsAsync(default))
        {
            if (extent.Kind == ExtentKind.Data)
            {
                byte[] target = new byte[extent.Length];
                reader.Decode(extent, stream.AsSpan((int)extent.SourceOffset, (int)extent.SourceLength), target);
                target.ShouldBe(block);
                found.Add(extent.GuestOffset);
            }
        }

        reader.VirtualSize.Bytes.ShouldBe(1L << 40);
        found.ShouldBe([0, 262144L * 16384, 67108863L * 16384]);
    }

    [Fact]
    public async Task A_pipe_is_refused()
        => (await Should.ThrowAsync<StorageException>(async () => await new ZfsStreamFormat().OpenAsync(new MemorySource([]) { CanSeek = false }, default)))
            .Kind.ShouldBe(StorageErrorKind.NotSupported);

    private static async Task<IImageReader> OpenAsync(byte[] bytes) => await new ZfsStreamFormat().OpenAsync(new MemorySource(bytes), default);
}
