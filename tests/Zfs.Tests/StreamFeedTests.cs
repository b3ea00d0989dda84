using EveStorage.Zfs;
using EveStorage.ZfsStream;

namespace EveStorage.Tests;

/// <summary>What ZFS is fed of an image, by real streams.</summary>
public sealed class StreamFeedTests
{
    private const int RecordLength = 312;

    // EVESTORAGE_LONG=1 takes as many as a night has.
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    // The token that ZFS gave for vol-res.cut.zs, and for which it sent vol-res.resumed.zs.
    internal const string Token = "1-c3cfda992-c0-789c636064000310a500c4ec50360710e72765a5269740f80cd8e4d3d28a534b40325c70793624f9a4ca92d462209d51c285557f497e7a69660a0343bbb5e9debb4f17151820c97382e5f31273538174625eb67e997e597e8e6e516ab143b12103020000e66118df";

    public static TheoryData<string> All => [.. RealStreams.All.Select(stream => stream.Name).Where(name => name != "vol-res.cut.zs")];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Streams_come_one_by_one_as_they_are_and_without_the_header_of_their_package(string name)
    {
        byte[] image = RealStreams.Bytes(name);

        (byte[] passed, int count) = await PassAsync(new MemorySource(image));

        (byte[] inOrder, _) = await PassAsync(new MemorySource(image) { CanSeek = false });
        inOrder.ShouldBe(passed);
        bool isPackage = image[16] == 2;
        image.AsSpan().IndexOf(passed).ShouldBe(isPackage ? image.Length - passed.Length - RecordLength : 0);
        passed.Length.ShouldBeLessThanOrEqualTo(image.Length - (isPackage ? 3 * RecordLength : 0));
        count.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_whole_stream_goes_on_from_a_token_as_the_one_does_that_ZFS_sends_for_it()
    {
        ResumePoint point = ResumePoint.Read(Token).ShouldNotBeNull();
        StreamFeed feed = new(new MemorySource(RealStreams.Bytes("vol-res.full.zs")), static _ => { });
        StreamHeader header = (await feed.NextAsync(default)).ShouldNotBeNull();
        using MemoryStream resumed = new();

        await feed.PassFromAsync(point, resumed, default);

        point.ShouldBe(new(1, 0xa0000, header.ToGuid));
        ResumedStream.CanBeMadeOf(header).ShouldBeTrue();
        resumed.ToArray().ShouldBe(RealStreams.Bytes("vol-res.resumed.zs"));
        (await feed.NextAsync(default)).ShouldBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("2-c3cfda992-c0-789c6360")]
    [InlineData("1-c3cfda992-c0-789c6360")]
    [InlineData("1-c3cfda992-c0-no digits")]
    [InlineData("1-c3cfda992-ffffffff-789c6360")]
    [InlineData("1-c3cfda992-1-789c6360")]
    public void What_is_no_token_is_nothing_to_go_on_from(string? token) => ResumePoint.Read(token).ShouldBeNull();

    [Fact]
    public void A_token_with_any_character_changed_is_read_or_is_none()
    {
        for (int at = 0; at < Token.Length; at++)
        {
            char[] changed = Token.ToCharArray();
            changed[at] = changed[at] == '0' ? 'f' : '0';
            Should.NotThrow(() => ResumePoint.Read(new string(changed)));
            Should.NotThrow(() => ResumePoint.Read(Token[..at]));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_cut_is_told_and_a_flipped_byte_is_told_or_passed_to_who_verifies_it(string name)
    {
        byte[] image = RealStreams.Bytes(name).ToArray();
        Random random = new(image.Length);
        for (int i = 0; i < (s_long ? 50 : 5); i++)
        {
            int length = random.Next(1, image.Length);
            (await RefusalAsync(image[..length])).ShouldNotBeNull($"cut at {length}").Kind.ShouldBe(StorageErrorKind.Corrupt);
        }

        for (int i = 0; i < (s_long ? 1000 : 16); i++)
        {
            int at = i % 2 == 0 ? random.Next(image.Length) : random.Next(Math.Min(2000, image.Length));
            byte flip = (byte)random.Next(1, 256);
            image[at] ^= flip;
            (await RefusalAsync(image))?.Kind.ShouldBe(StorageErrorKind.Corrupt, $"{flip:x2} at {at}");
            image[at] ^= flip;
        }
    }

    private static async Task<StorageException?> RefusalAsync(byte[] image)
    {
        try
        {
            await PassAsync(new MemorySource(image));
            return null;
        }
        catch (StorageException e)
        {
            return e;
        }
    }

    private static async Task<(byte[] Passed, int Count)> PassAsync(MemorySource image)
    {
        using MemoryStream passed = new();
        StreamFeed feed = new(image, static _ => { });
        int count = 0;
        while (await feed.NextAsync(default) is not null)
        {
            await feed.PassAsync(passed, default);
            count++;
        }

        return (passed.ToArray(), count);
    }
}
