using System.IO.Compression;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;
using ZstdSharp;

namespace EveStorage.Tests;

/// <summary>What is hostile around an image: two formats at once, and wrappings that unwrap to more than anybody has room for.</summary>
public sealed class HostileWrappingTests : IAsyncLifetime
{
    private const int BombLength = 1 << 30;

    private readonly TestEngine _host = new();

    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_could_be_two_formats_is_refused_until_somebody_says_which_is_meant(bool isPipe)
    {
        byte[] both = new ImageMutant().Bytes;
        "CD001"u8.CopyTo(both.AsSpan(32769));
        PoolState before = await PoolState.OfAsync(_host);

        ErrorReport error = await RefusalAsync(TestEngine.Import("vm1") with { Verify = false }, both, isPipe);

        (error.Kind, error.Message).ShouldBe((StorageErrorKind.NotSupported, "could be qcow2 or iso by its content: name what is meant with --format"));
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    [Theory]
    [InlineData("gzip", false)]
    [InlineData("gzip", true)]
    [InlineData("zstd", false)]
    [InlineData("zstd", true)]
    public async Task A_raw_disk_that_unwraps_to_more_than_was_said_is_refused_and_not_unwrapped_to_its_end(string wrapping, bool isPipe)
    {
        byte[] bomb = Wrapped(wrapping, static target => WriteZeros(target, BombLength));
        PoolState before = await PoolState.OfAsync(_host);

        ErrorReport error = await RefusalAsync(TestEngine.Import("vm1", "raw") with { Verify = false, Size = ByteSize.MiB(1) }, bomb, isPipe);

        error.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.InvalidConfiguration], error.Message);
        error.Message.ShouldContain("beyond the 1048576 that were announced");
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    [Fact]
    public async Task A_qcow2_behind_which_it_goes_on_unwrapping_for_ever_is_given_up()
    {
        Assert.SkipUnless(IsLong, "takes all the time that a worker gets of the processors: ./test.sh --long runs it");
        byte[] image = Wrapped("zstd", static target => target.Write(new ImageMutant().Bytes));
        byte[] gibibyte = Wrapped("zstd", static target => WriteZeros(target, BombLength));
        PoolState before = await PoolState.OfAsync(_host);

        ErrorReport error = await RefusalAsync(TestEngine.Import("vm1", "qcow2") with { Verify = false }, [.. image, .. Enumerable.Repeat(gibibyte, 200).SelectMany(static frame => frame)], isPipe: true);

        error.Kind.ShouldBe(StorageErrorKind.Corrupt, error.Message);
        (error.Message.Contains("after all that belongs to its disk", StringComparison.Ordinal) || error.Message.Contains("kept its worker busy", StringComparison.Ordinal)).ShouldBeTrue(error.Message);
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    [Theory]
    [InlineData("gzip", 4, false)]
    [InlineData("gzip", 4, true)]
    [InlineData("gzip", 60_000, true)]
    [InlineData("zstd", 4, true)]
    [InlineData("zstd", 60_000, false)]
    public async Task One_that_was_cut_off_is_refused_however_little_is_missing(string wrapping, int missing, bool isPipe)
    {
        byte[] noise = new byte[1 << 20];
        new Random(1).NextBytes(noise);
        byte[] whole = Wrapped(wrapping, target => target.Write(noise));
        PoolState before = await PoolState.OfAsync(_host);

        ErrorReport error = await RefusalAsync(TestEngine.Import("vm1", "raw") with { Verify = false, Size = ByteSize.MiB(1) }, whole[..^missing], isPipe);

        error.Kind.ShouldBe(StorageErrorKind.Corrupt, error.Message);
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    // A copy that has failed leaves the one who unwraps for it behind, in the middle of its work: the worker has to outlive that.
    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task A_damaged_cluster_is_told_while_what_lies_behind_it_is_still_unwrapped(string wrapping)
    {
        byte[] bytes = Wrapped(wrapping, WriteDamaged);

        for (int run = 0; run < (IsLong ? 50 : 3); run++)
        {
            ErrorReport error = await RefusalAsync(TestEngine.Import("vm1", "qcow2") with { Verify = false }, bytes, isPipe: true);

            error.Kind.ShouldBe(StorageErrorKind.Corrupt, $"run {run}: {error.Message}");
            error.Message.ShouldStartWith("has a compressed cluster that does not decode");
        }
    }

    // The first cluster of many is compressed, and isn't: 0xFF begins a block of a kind that deflate has not.
    private static void WriteDamaged(Stream target)
    {
        const int Clusters = 192;
        const ulong Sectors = 100UL << 54;
        const ulong Used = 1UL << 63;
        ImageMutant image = new ImageMutant().U64(24, Clusters * ImageMutant.Cluster).U64(ImageMutant.L2, ImageMutant.Compressed | Sectors | ImageMutant.Data);
        Array.Fill(image.Bytes, (byte)0xFF, ImageMutant.Data, ImageMutant.Cluster);
        for (int number = 1; number < Clusters; number++)
        {
            image.U64(ImageMutant.L2 + (8 * number), Used | (uint)(image.Bytes.Length + (number * ImageMutant.Cluster)));
        }

        target.Write(image.Bytes);
        byte[] behind = new byte[Clusters * ImageMutant.Cluster];
        new Random(8457).NextBytes(behind);
        target.Write(behind);
    }

    private async Task<ErrorReport> RefusalAsync(ImportImage request, byte[] bytes, bool isPipe)
    {
        await File.WriteAllBytesAsync(_host["disk.img"], bytes, TestContext.Current.CancellationToken);
        using SafeFileHandle file = File.OpenHandle(_host["disk.img"]);
        try
        {
            OperationReport report = isPipe ? await _host.RunPipedAsync(request, new MemoryStream(bytes)) : await _host.RunAsync(request, file);
            report.State.ShouldBe(OperationState.Failed);
            return report.Error.ShouldNotBeNull();
        }
        catch (StorageException refused)
        {
            return ErrorReport.Of(refused);
        }
    }

    private static void WriteZeros(Stream target, long length)
    {
        byte[] zeros = new byte[1 << 20];
        for (long at = 0; at < length; at += zeros.Length)
        {
            target.Write(zeros);
        }
    }

    private static byte[] Wrapped(string wrapping, Action<Stream> write)
    {
        using MemoryStream target = new();
        using (Stream wrapped = wrapping == "gzip" ? new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true) : new CompressionStream(target, 1, leaveOpen: true))
        {
            write(wrapped);
        }

        return target.ToArray();
    }
}
