using System.IO.Pipes;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class StreamInputTests : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);
    private readonly SafeFileHandle _reader;

    public StreamInputTests() => _reader = new(_pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);

    public void Dispose() => _pipe.Dispose();

    [Fact]
    public void What_was_written_is_read_to_its_end()
    {
        using StreamInput input = new(_reader, "pipe");
        byte[] bytes = new byte[10];
        _pipe.Write([1, 2, 3]);

        input.Read(bytes).ShouldBe(3);
        _pipe.Dispose();
        ExistingFile.IsStream(_reader, "pipe").ShouldBeTrue();
        input.Read(bytes).ShouldBe(0);
    }

    [Fact]
    public async Task A_read_that_waits_is_ended_by_another_thread()
    {
        using StreamInput input = new(_reader, "pipe");
        Task<int> reading = Task.Factory.StartNew(() => input.Read(new byte[1]), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        input.Stop();

        (await reading).ShouldBe(0);
    }
}
