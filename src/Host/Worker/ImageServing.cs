using System.Buffers;
using System.Threading.Channels;
using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>
/// Answers what a host asks of an image's disk, in any order, until it asks no more. As many answers are made at once as there are
/// processors; tables are looked up one after the other, since a reader need not be safe for more.
/// </summary>
internal sealed class ImageServing(LayeredDisk disk, SafeFileHandle requests, SafeFileHandle answers, Action<WorkerProgress> progress) : IDisposable
{
    // A disk that is nearly empty is told in few answers, and none of them takes long.
    private const int MostLookups = 4096;

    // Zeros that are worth an answer of their own within what was asked for.
    private const int LeastZeros = 64 << 10;

    private readonly FileStream _requests = new(requests, FileAccess.Read, bufferSize: 0);
    private readonly FileStream _answers = new(answers, FileAccess.Write, bufferSize: 0);
    private readonly SemaphoreSlim _lookups = new(1, 1);
    private readonly Lock _one = new();
    private long _served;

    /// <summary>Serves to the end.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        Channel<ReadRequest> asked = Channel.CreateUnbounded<ReadRequest>();   // the host bounds how many
        Task[] all =
            [
                Task.Factory.StartNew(() => Listen(asked.Writer), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
                .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => AnswerAsync(asked.Reader, cancellationToken)),
            ];
        await Task.WhenAll(all);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        _answers.Dispose();
        _lookups.Dispose();
    }

    private void Listen(ChannelWriter<ReadRequest> asked)
    {
        byte[] request = new byte[ReadRequest.Size];
        while (_requests.ReadAtLeast(request, request.Length, throwOnEndOfStream: false) == request.Length)
        {
            asked.TryWrite(ReadRequest.Of(request));
        }

        asked.Complete();
    }

    private async Task AnswerAsync(ChannelReader<ReadRequest> asked, CancellationToken cancellationToken)
    {
        await Task.Yield();
        using PieceReader reader = new(disk);
        byte[] answer = new byte[ReadAnswer.Size + ReadRequest.MaxLength];
        await foreach (ReadRequest request in asked.ReadAllAsync(cancellationToken))
        {
            int length;
            try
            {
                length = await AnswerAsync(request, reader, answer, cancellationToken);
            }
            catch (StorageException e)
            {
                byte[] refusal = WorkerJson.Write(ErrorReport.Of(e));
                int kept = refusal.Length <= ReadAnswer.MaxRefusal ? refusal.Length : 0;
                new ReadAnswer(request.Id, ReadKind.Refused, kept).WriteTo(answer);
                refusal.AsSpan(0, kept).CopyTo(answer.AsSpan(ReadAnswer.Size));
                length = ReadAnswer.Size + kept;
            }

            lock (_one)
            {
                _answers.Write(answer, 0, length);
                _served += length;
                progress(new(WorkerPhase.Copy, new(_served), new(long.MaxValue)));
            }
        }
    }

    private async ValueTask<int> AnswerAsync(ReadRequest request, PieceReader reader, byte[] answer, CancellationToken cancellationToken)
    {
        int wanted = Math.Clamp(request.Length, 1, ReadRequest.MaxLength);
        int filled = 0;
        try
        {
            while (filled < wanted)
            {
                DiskPiece piece = await LookupAsync(request.Offset + filled, request.Most, cancellationToken);
                if (!piece.IsData && filled == 0 && (piece.Length >= LeastZeros || piece.Length >= wanted))
                {
                    new ReadAnswer(request.Id, ReadKind.Zero, Math.Min(piece.Length, Math.Max(request.Most, wanted))).WriteTo(answer);
                    return ReadAnswer.Size;
                }

                if (!piece.IsData && piece.Length >= LeastZeros)
                {
                    break;   // they are asked for next, and told without their bytes
                }

                int part = (int)Math.Min(piece.Length, wanted - filled);
                await FillAsync(piece, reader, answer.AsMemory(ReadAnswer.Size + filled, part), cancellationToken);
                filled += part;
            }
        }
        catch (StorageException) when (filled > 0)
        {
            // What is sound before a damaged place is no worse for it. Whoever asks from there on is told.
        }

        new ReadAnswer(request.Id, ReadKind.Data, filled).WriteTo(answer);
        return ReadAnswer.Size + filled;
    }

    private static async ValueTask FillAsync(DiskPiece piece, PieceReader reader, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (!piece.IsData)
        {
            target.Span.Clear();
            return;
        }

        ReadOnlyMemory<byte> bytes = await reader.ReadAsync(piece.IsPlain ? piece with { Length = target.Length } : piece, cancellationToken);
        bytes[..target.Length].CopyTo(target);
    }

    // What is zero is looked at as far as it goes, or as far as it is asked for.
    private async ValueTask<DiskPiece> LookupAsync(long offset, long most, CancellationToken cancellationToken)
    {
        await _lookups.WaitAsync(cancellationToken);
        try
        {
            DiskPiece first = await OneAsync(offset, cancellationToken);
            long length = first.Length;
            for (int looked = 1; !first.IsData && length < most && looked < MostLookups; looked++)
            {
                DiskPiece next = await OneAsync(offset + length, cancellationToken);
                if (next.IsData)
                {
                    break;
                }

                length += Math.Min(next.Length, long.MaxValue - offset - length);
            }

            return first.IsData ? first : first with { Length = length };
        }
        finally
        {
            _lookups.Release();
        }
    }

    // A volume may be larger than the disk: what lies behind that is zero.
    private ValueTask<DiskPiece> OneAsync(long offset, CancellationToken cancellationToken)
        => offset >= 0 && offset < disk.VirtualSize.Bytes
            ? disk.LookupAsync(offset, cancellationToken)
            : new(new DiskPiece(0, new(offset, long.MaxValue - offset, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain), offset, long.MaxValue - offset));
}
