using EveStorage.Host.Images;
using EveStorage.Host.Worker;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>A worker whose parser has been taken over: what it tries fails or ends it, and the host says which and goes on.</summary>
public sealed class WildWorkerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public WildWorkerTests() => File.WriteAllBytes(_directory["disk.img"], new byte[4096]);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("crash", StorageErrorKind.Io, "crashed its worker, which ended with 1")]
    [InlineData("hoard", StorageErrorKind.NotSupported, "needs more memory than a worker may hold, which is 1GiB")]
    [InlineData("throw", StorageErrorKind.Io, "met a fault of the program, please report it: InvalidOperationException: a parser's mistake")]
    [InlineData("open", StorageErrorKind.Io, "UnauthorizedAccessException: Access to the path '/etc/hostname' is denied.")]
    [InlineData("connect", StorageErrorKind.Io, "UnauthorizedAccessException: errno 1")]
    [InlineData("start", StorageErrorKind.Io, "UnauthorizedAccessException: errno 1")]
    [InlineData("signal", StorageErrorKind.Io, "UnauthorizedAccessException: errno 1")]
    [InlineData("sound", StorageErrorKind.Corrupt, "did what it wanted")]
    public async Task What_it_tries_is_contained_and_named(string kind, StorageErrorKind expected, string sentence)
    {
        StorageException refused = await RefusalAsync(kind);

        refused.Message.ShouldContain(sentence);
        refused.Kind.ShouldBe(expected);
        refused.Subject.ShouldBe("disk.img");
    }

    [Fact]
    public async Task One_that_spins_is_ended_by_its_time_or_on_a_busy_machine_by_its_silence()
    {
        StorageException refused = await RefusalAsync("spin");

        (refused.Kind, refused.Message).ShouldBeOneOf(
            (StorageErrorKind.Corrupt, "disk.img: kept its worker busy for longer than any image of its size needs, and was given up"),
            (StorageErrorKind.Io, "disk.img: its worker said nothing for 120 s and was ended: check the drive that holds the image, or who feeds the pipe"));
    }

    private async Task<StorageException> RefusalAsync(string kind)
    {
        using SafeFileHandle image = File.OpenHandle(_directory["disk.img"]);
        WorkerRequest request = new() { Plugins = [Path.Combine(BuiltHost.Fixtures, "fixture.wild-formats")], Format = $"wild-{kind}", ImageName = "disk.img" };

        return await Should.ThrowAsync<StorageException>(
            () => WorkerProcess.RunAsync(request, new ImageInput(image, "disk.img"), [], static _ => { }, static _ => { }, TestContext.Current.CancellationToken));
    }
}
