using System.Runtime.ExceptionServices;

namespace EveStorage.Linux;

// What is too long for a key or an argument, such as a stream that a program takes in, is fed to it piece by piece.
public sealed partial class Command
{
    // What a program leaves when it is killed in a write: the write ends as soon as nobody can read it.
    private static readonly TimeSpan s_unwinding = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Runs it with what <paramref name="feed"/> writes as its standard input, and returns its standard output. Each write counts as
    /// a sign of life. When feeding fails its input ends there, and that failure is thrown once it has ended; one that ended by itself
    /// before it had read all says why by its exit code.
    /// </summary>
    /// <exception cref="CommandException">It failed, or went beyond a limit and was killed.</exception>
    public Task<string> RunAsync(IReadOnlyList<string> arguments, Func<Stream, CancellationToken, Task> feed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(feed);
        return RunAsync(arguments, input: null, static (watch, output) => watch.ReadAsync(output), cancellationToken, feed);
    }

    private static async Task<ExceptionDispatchInfo?> FeedAsync(CommandWatch watch, Stream input, Func<Stream, CancellationToken, Task> feed)
    {
        await Task.Yield();   // its output is read meanwhile
        await using FedInput fed = new(input, watch.Heard);
        try
        {
            await feed(fed, watch.Token);
            return null;
        }
        catch (IOException) when (fed.IsBroken)
        {
            return null;   // it reads no more
        }
        catch (Exception e) when (e is not OperationCanceledException || !watch.Token.IsCancellationRequested)
        {
            return ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>A program's input: it tells of each piece that was taken, and whether the program takes no more.</summary>
    private sealed class FedInput(Stream input, Action heard) : Stream
    {
        internal bool IsBroken { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await input.WriteAsync(buffer, cancellationToken);
            }
            catch (IOException)
            {
                IsBroken = true;
                throw;
            }

            heard();
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            try
            {
                await input.DisposeAsync();
            }
            catch (IOException)
            {
                IsBroken = true;
            }

            await base.DisposeAsync();
        }
    }
}
