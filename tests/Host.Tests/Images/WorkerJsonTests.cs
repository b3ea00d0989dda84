using System.Text;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Worker;

namespace EveStorage.Tests;

public sealed class WorkerJsonTests
{
    private static readonly OpenLink s_link = new(1, new(ImageLinkKind.Data, "disk.raw", "raw"));

    private static readonly ImportOrder s_order = new()
    {
        VolumeSize = ByteSize.GiB(4),
        ReadsZero = true,
        Shares = true,
        WriteBudget = ByteSize.GiB(5),
        SpoolSize = ByteSize.MiB(64),
        Verify = true,
        From = ByteSize.MiB(1),
        Marks = true,
    };

    private static readonly WorkerRequest s_request = new()
    {
        Plugins = ["/plugins/eve.qcow2", "/plugins/eve.raw"],
        Format = "qcow2",
        ImageName = "a \"quoted\"\nname",
        GoOver = true,
        IsPipe = true,
        RangedLength = new(1),
        StreamLength = new(2),
        Snapshot = "before",
        Links = [s_link],
        Keeps = true,
        Import = s_order,
        Serves = new(3),
    };

    private static readonly WorkerMessage s_message = new()
    {
        Started = TimeSpan.FromMilliseconds(61),
        Progress = new(WorkerPhase.Copy, new(1), new(2)),
        Wants = new(1L << 40, 1 << 20),
        Safe = new(7),
        Lacks = "seccomp",
        PeakMemory = ByteSize.MiB(40),
        Processors = TimeSpan.FromMilliseconds(314),
        Needs = s_link,
        Report = new()
        {
            Format = "qcow2",
            VirtualSize = ByteSize.GiB(4),
            DataSize = ByteSize.GiB(1),
            SourceSize = ByteSize.MiB(900),
            Wrapping = "gzip",
            IsStream = true,
            NeedsLength = true,
            InAnyOrder = true,
            Snapshots = [new("1", "before", ByteSize.GiB(3), new(2026, 11, 26, 9, 0, 0, TimeSpan.Zero))],
            Details = new Dictionary<string, string> { ["version"] = "3" },
            Refusal = new(StorageErrorKind.NotSupported, "it", "is encrypted"),
        },
        Waits = true,
        Result = new(new(1), new(2), "digest") { Read = new(3) },
        Error = new(StorageErrorKind.Corrupt, "it", "is no image"),
    };

    [Fact]
    public void What_is_asked_reads_as_it_was_written()
    {
        All(WorkerJson.ReadRequest(WorkerJson.Write(s_request))).ShouldBe(All(s_request));
        WorkerJson.ReadOrder(WorkerJson.Write(s_order)).ShouldBe(s_order);
    }

    [Fact]
    public void What_is_said_reads_as_it_was_written() => All(WorkerJson.ReadMessage(WorkerJson.Write(s_message))).ShouldBe(All(s_message));

    [Fact]
    public void What_is_left_out_is_nothing()
    {
        WorkerRequest least = new() { Plugins = [], ImageName = "it" };

        All(WorkerJson.ReadRequest(WorkerJson.Write(least))).ShouldBe(All(least));
        WorkerJson.ReadMessage(WorkerJson.Write(new WorkerMessage())).ShouldBe(new WorkerMessage());
    }

    [Fact]
    public void A_document_is_a_line() => WorkerJson.Write(s_request).Count(static letter => letter == '\n').ShouldBe(1);

    [Fact]
    public void What_is_cut_short_is_no_message()
    {
        byte[] whole = WorkerJson.Write(s_message);
        for (int length = 0; length < whole.Length - 1; length++)
        {
            Should.Throw<JsonException>(() => WorkerJson.ReadMessage(whole.AsMemory(0, length)));
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"waits":1}""")]
    [InlineData("""{"waits":false,"safe":-1}""")]
    [InlineData("""{"waits":false,"safe":9223372036854775808}""")]
    [InlineData("""{"waits":false,"safe":"1"}""")]
    [InlineData("""{"waits":false,"report":{}}""")]
    [InlineData("""{"waits":false,"wants":{"offset":0,"length":1e9}}""")]
    [InlineData("""{"waits":false,"error":{"kind":77,"subject":"it","message":"x"}}""")]
    [InlineData("""{"waits":false,"error":{"kind":0,"subject":null,"message":"x"}}""")]
    [InlineData("""{"waits":false,"needs":{"of":0,"kind":-1,"name":"x"}}""")]
    public void What_nobody_here_writes_is_no_message(string line)
        => Should.Throw<JsonException>(() => WorkerJson.ReadMessage(Encoding.UTF8.GetBytes(line)));

    // By a serializer that knows every member.
    private static string All<T>(T value) => JsonSerializer.Serialize(value);
}
