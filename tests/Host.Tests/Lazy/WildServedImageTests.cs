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

    private static WorkerRequest Request(string kind)
        => new() { Plugins = [Path.Combine(BuiltHost.Fixtures, "fixture.wild-formats")], Format = $"wild-{kind}", ImageName = "disk.img", Serves = new(4096) };
}
