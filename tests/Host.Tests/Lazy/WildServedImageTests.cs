using EveStorage.Host.Images;
using EveStorage.Host.Lazy;
using EveStorage.Host.Worker;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>A worker that serves an image and whose parser has been taken over: it ends, and with it what was asked of it, and the host goes on.</summary>
public sealed class WildServedImageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public WildServedImageTests() => File.WriteAllBytes(_directory["disk.img"], new byte[4096]);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("crash", "crashed its worker, which ended with 1")]
    [InlineData("hoard", "needs more memory than a worker may hold")]
    [InlineData("throw", "met a fault of the program")]
    [InlineData("open", "denied")]
    [InlineData("connect", "errno 1")]
    [InlineData("start", "errno 1")]
    public async Task What_it_tries_is_contained_and_named(string kind, string sentence)
    {
        using SafeFileHandle file = File.OpenHandle(_directory["disk.img"]);
        await using ImageInput image = new(file, "disk.img");
        await using ServedImage served = ServedImage.Start(image, Request(kind));

        await Should.ThrowAsync<ServedImageEndedException>(() => served.ReadAsync(0, new byte[4096], 4096));

        await served.DisposeAsync();
        served.Failure.ShouldNotBeNull().Message.ShouldContain(sentence);
        served.HasEnded.ShouldBeTrue();
    }

    [Fact]
    public async Task One_that_answers_nothing_is_ended()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1", "spins for as long as a read may take: ./test.sh --long runs it");
        using SafeFileHandle file = File.OpenHandle(_directory["disk.img"]);
        await using ImageInput image = new(file, "disk.img");
        await using ServedImage served = ServedImage.Start(image, Request("spin"));

        Task<ImagePart>[] reads = [served.ReadAsync(0, new byte[4096], 4096), served.ReadAsync(4096, new byte[4096], 4096)];

        foreach (Task<ImagePart> read in reads)
        {
            await Should.ThrowAsync<ServedImageEndedException>(() => read);
        }

        served.HasEnded.ShouldBeTrue();
    }

    [Fact]
    public async Task One_that_takes_no_request_any_more_has_ended_before_a_read_does_whose_bytes_it_was_sending()
    {
        TaskCompletionSource sending = new();
        ServedImage served = ServedImage.Start("disk.img", async (ends, end) =>
        {
            using FileStream requests = new(ends[0], FileAccess.Read, bufferSize: 0);
            using FileStream answers = new(ends[1], FileAccess.Write, bufferSize: 0);
            byte[] request = new byte[ReadRequest.Size];
            await requests.ReadExactlyAsync(request, end);
            byte[] half = new byte[ReadAnswer.Size + 2048];
            new ReadAnswer(ReadRequest.Of(request).Id, ReadKind.Data, 4096).WriteTo(half);
            await answers.WriteAsync(half, end);
            await requests.DisposeAsync();
            sending.SetResult();
            await Task.Delay(Timeout.Infinite, end);
            return new();
        });
        Task<ImagePart> first = served.ReadAsync(0, new byte[4096], 4096);
        await sending.Task;

        Task<ImagePart> second = served.ReadAsync(4096, new byte[4096], 4096);

        await Should.ThrowAsync<ServedImageEndedException>(() => first);
        served.HasEnded.ShouldBeTrue();
        await Should.ThrowAsync<ServedImageEndedException>(() => second);
    }

    private static WorkerRequest Request(string kind)
        => new() { Plugins = [Path.Combine(BuiltHost.Fixtures, "fixture.wild-formats")], Format = $"wild-{kind}", ImageName = "disk.img", Serves = new(4096) };
}
