using EveStorage.Host.Images;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Steps;

/// <summary>Writes a volume to an open file: as a format's writer does; without one its bytes, leaving holes where they are zero.</summary>
internal sealed class WriteImage(string subject, VolumeName name, VolumeAccess volume, SafeFileHandle image, string imageName, IImageWriter? writer) : DataStep
{
    /// <summary>The format that needs no writer.</summary>
    internal const string Raw = "raw";

    private const int BlockSize = 4096;
    private const int Step = 1 << 20;

    private bool _touched;

    /// <inheritdoc/>
    public override string Title => $"write {imageName} from {subject}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await volume.OpenBlocksAsync!(BlockAccess.Read, cancellationToken);
        RequireEmpty(image, imageName);
        _touched = true;
        FileCalls.Run(imageName, () => RandomAccess.SetLength(image, 0));
        if (writer is null)
        {
            await WriteRawAsync(blocks, context, cancellationToken);
        }
        else
        {
            SavedVolume saved = new() { Name = name, Id = context.Request.Id, Taken = context.Time.GetUtcNow(), Blocks = blocks };
            await using ImageFileStream stream = new(image, imageName);
            await writer.WriteAsync(saved, stream, new Told(done => context.Progress.Report(new(Title, done, blocks.Size))), cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }

        BlockFile.Flush(image, imageName);
        return StepOutcome.Changed;
    }

    private async Task WriteRawAsync(IBlockSource blocks, OperationContext context, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[Step];
        ByteSize size = blocks.Size;
        FileCalls.Run(imageName, () => RandomAccess.SetLength(image, size.Bytes));
        for (long at = 0; at < size.Bytes; at += Step)
        {
            Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(Step, size.Bytes - at));
            await blocks.ReadAsync(at, piece, cancellationToken);
            WriteData(at, piece);
            context.Progress.Report(new(Title, new(at + piece.Length), size));
        }
    }

    /// <summary>Empties the file, if this step wrote to it: half an image is none.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_touched)
        {
            FileCalls.Run(imageName, () => RandomAccess.SetLength(image, 0));
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Refuses a file that holds something, or is none: it would be lost.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it does. <see cref="StorageErrorKind.NotSupported"/>: it is none.</exception>
    internal static void RequireEmpty(SafeFileHandle image, string imageName)
    {
        if (ExistingFile.LengthOf(image, imageName).Bytes > 0)
        {
            throw new StorageException(StorageErrorKind.Conflict, imageName, "holds something: hand over an empty file");
        }

        // Writing nothing asks whether one may write.
        FileCalls.Run(imageName, () => RandomAccess.SetLength(image, 0));
    }

    private sealed class Told(Action<ByteSize> tell) : IProgress<ByteSize>
    {
        public void Report(ByteSize value) => tell(value);
    }

    private void WriteData(long offset, ReadOnlyMemory<byte> piece)
    {
        for (int at = 0; at < piece.Length; at += BlockSize)
        {
            ReadOnlyMemory<byte> block = piece[at..Math.Min(at + BlockSize, piece.Length)];
            if (block.Span.ContainsAnyExcept((byte)0))
            {
                FileCalls.Run(imageName, () => RandomAccess.Write(image, block.Span, offset + at));
            }
        }
    }
}
