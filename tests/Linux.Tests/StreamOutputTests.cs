using System.IO.Pipes;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class StreamOutputTests : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.In);
    private readonly SafeFileHandle _writer;

    public StreamOutputTests() => _writer = new(_pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);

    public void Dispose() => _pipe.Dispose();

    [Fact]
    public async Task All_of_what_is_written_is_read_however_small_the_pipe_is()
    {
        using StreamOutput output = new(_writer, "pipe");
        byte[] bytes = new byte[1 << 20];
        new Random(1).NextBytes(bytes);
        byte[] read = new byte[bytes.Length];

        Task writing = Task.Run(() => output.Write(bytes), TestContext.Current.CancellationToken);
        await _pipe.ReadExactlyAsync(read, TestContext.Current.CancellationToken);
        await writing;

        read.ShouldBe(bytes);
    }

    [Fact]
    public void What_has_no_writes_that_do_not_wait_is_written_all_the_same()
    {
        using SafeFileHandle terminal = File.OpenHandle("/dev/ptmx", FileMode.Open, FileAccess.ReadWrite);
        using StreamOutput output = new(terminal, "terminal");
        byte[] echo = new byte[5];

        output.Write("bytes"u8);

        using StreamInput input = new(terminal, "terminal");
        input.Read(echo).ShouldBe(5);
        echo.ShouldBe("bytes"u8.ToArray());
    }

    [Fact]
    public async Task A_write_that_waits_for_its_reader_is_ended_by_another_thread()
    {
        using StreamOutput output = new(_writer, "pipe");
        Task writing = Task.Factory.StartNew(() => output.Write(new byte[1 << 20]), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        output.Stop();

        await Should.ThrowAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public void A_reader_that_has_ended_is_told_of()
    {
        using StreamOutput output = new(_writer, "pipe");
        _pipe.SafePipeHandle.Dispose();

        // More than a pipe holds: a process that another test is starting has the reader's end as well until its exec, and what is written meanwhile is taken.
        StorageException refused = Should.Throw<StorageException>(() => output.Write(new byte[1 << 20]));

        (refused.Kind, refused.Message).ShouldBe((StorageErrorKind.Io, "pipe: has no reader any more, before its end"));
    }
}
